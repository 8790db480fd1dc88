"""A folder of synthetic pictures and the index that names them: written anew, over nothing else."""

import json
from collections.abc import Callable, Iterable, Mapping, Set
from pathlib import Path
from typing import Any

from daug.errors import ExportError

Named = Callable[[Mapping[str, Any]], Iterable[str]]  # an index -> the files that it names


def write_folder(output: Path, files: Mapping[str, bytes], old: Set[str]) -> None:
    """Write files, each whole or not at all, then remove those of an earlier run that are left.

    Args:
        output: The folder; made if missing.
        files: Content by name, in the order of writing: what names others comes last.
        old: From `files_of_earlier_run`.

    Raises:
        ExportError: If the folder cannot be written.
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            partial = output / f".{name}.partial"
            partial.write_bytes(content)
            partial.replace(output / name)
        for name in old - set(files):
            (output / name).unlink(missing_ok=True)
    except OSError as error:
        raise ExportError(f"{output}: cannot be written ({error}). Name another folder.") from error


def files_of_earlier_run(output: Path, index_file: str, named: Named) -> set[str]:
    """Return the files of an earlier run beside its index, which may be replaced.

    Args:
        output: The folder, which need not be there.
        index_file: The name of its index.
        named: Says which files an index names.

    Raises:
        ExportError: If anything else lies there; found before a long computation, not after it.
    """
    if not output.exists():
        return set()
    try:
        there = {path.name for path in output.iterdir()} - {index_file}
        text = (output / index_file).read_text(encoding="utf-8") if there else ""
        ours = set(named(json.loads(text))) if text else set()
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ExportError(
            f"{output} is no folder of synthetic pictures ({error}). Name a new or an empty folder."
        ) from error
    if others := there - ours:
        raise ExportError(
            f"{output} holds {min(others)}, which {index_file} does not name. Name a new or an "
            "empty folder, or remove it."
        )
    return there
