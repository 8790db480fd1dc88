"""The composition root and the promises of the whole command line."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent
HEAVY = {"torch", "gradio", "diffusers", "matplotlib", "sklearn", "pydicom", "cv2"}


def run(*words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    finished = subprocess.run(
        [sys.executable, "-m", "app", *words], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert finished.returncode == code, finished.stderr
    return finished


def test_nothing_imports_the_composition_root() -> None:
    for path in REPOSITORY.rglob("*.py"):
        parts = path.relative_to(REPOSITORY).parts
        if parts[0] in {"daug", "ui", "trainers", "db", "benchmarks"}:
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
                if isinstance(node, ast.ImportFrom):
                    names = [node.module or ""]
                assert not any(name.split(".")[0] == "app" for name in names), path


def test_help_stays_quick_because_nothing_heavy_is_imported() -> None:
    listing = "import sys, app; print(*{name.split('.')[0] for name in sys.modules})"
    loaded = subprocess.run(
        [sys.executable, "-c", listing], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert not HEAVY & set(loaded.stdout.split())


def test_help_carries_the_notice_and_every_command() -> None:
    text = " ".join(run("--help").stdout.split())
    assert "Not for diagnostic use." in text
    for command in (
        *("heatmap", "panel", "app", "train", "bundle", "evaluate", "bench", "library", "doctor"),
    ):
        assert f" {command} " in text


def test_a_usage_error_exits_2_and_prints_nothing_on_standard_output() -> None:
    assert run("heatmap", code=2).stdout == ""


def test_a_failure_is_one_sentence_on_standard_error_without_a_traceback(tmp_path: Path) -> None:
    finished = run("bundle", "verify", str(tmp_path), "--json", code=1)
    assert finished.stdout == ""
    assert "holds no bundle.json" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_the_public_names_are_sorted_and_there() -> None:
    import daug

    assert list(daug.__all__) == sorted(daug.__all__)
    for name in daug.__all__:
        assert getattr(daug, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        daug.Nonsense  # noqa: B018


@pytest.mark.parametrize(("given", "told"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_threads_that_wait_sleep_unless_somebody_wants_otherwise(
    given: str | None, told: str
) -> None:
    """Set before torch loads its OpenMP, which reads it once."""
    asks = (
        "import os, sys, app\n"
        "app.app = lambda args: print(os.environ['OMP_WAIT_POLICY'], 'torch' in sys.modules)\n"
        "app.main([])"
    )
    environment = {k: v for k, v in os.environ.items() if k != "OMP_WAIT_POLICY"}
    if given is not None:
        environment["OMP_WAIT_POLICY"] = given
    said = subprocess.run(
        [sys.executable, "-c", asks],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.split() == [told, "False"]
