"""The README's tree is the tree: every room with the sentence that it opens with."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent
ROOMS = ("daug", "ui", "trainers", "db", "benchmarks")
WIDTH = 28


def first_line(path: Path) -> str:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return docstring.split("\n")[0].rstrip(".")


def tree_of(folder: Path, depth: int) -> Iterator[str]:
    indent = "  " * depth
    yield f"{indent}{folder.name + '/':{WIDTH - len(indent)}}{first_line(folder / '__init__.py')}"
    for path in sorted(folder.iterdir()):
        if path.suffix == ".py" and path.name != "__init__.py":
            inner = indent + "  "
            yield f"{inner}{path.name:{WIDTH - len(inner)}}{first_line(path)}"
    for path in sorted(folder.iterdir()):
        if (path / "__init__.py").exists():
            yield from tree_of(path, depth + 1)


def expected_tree() -> str:
    lines = [f"{'app.py':{WIDTH}}{first_line(REPOSITORY / 'app.py')}"]
    for room in ROOMS:
        lines.extend(tree_of(REPOSITORY / room, 0))
    return "\n".join(lines)


def test_the_tree_in_the_readme_is_the_tree() -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```\n(app\.py.*?)\n```", readme, flags=re.DOTALL)
    assert blocks == [expected_tree()]


def test_the_readme_bears_the_notice() -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    assert "Research and teaching only. Not for diagnostic use." in readme


def test_no_registry_host_or_machine_path_is_in_the_pins() -> None:
    pins = (REPOSITORY / "constraints.txt").read_text(encoding="utf-8")
    for line in pins.splitlines():
        assert line.startswith("#") or re.fullmatch(r"[\w.-]+==[\w.+-]+", line), line
