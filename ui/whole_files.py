"""Files that are there whole or not at all."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from daug.errors import ExportError


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, unless it is there.

    Raises:
        ExportError: If something else is in the way or the place may not be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise ExportError(
            f"{folder}: a file of that name is in the way. Name another folder, or move the file."
        ) from error
    except OSError as error:
        raise _unwritable(folder, error) from error


def check_place(path: Path) -> None:
    """Make the folder that a file will lie in; called before a long computation, not after it.

    Raises:
        ExportError: If a folder has the file's name, or its own folder cannot be made.
    """
    if path.is_dir():
        raise ExportError(
            f"{path}: a folder of that name is in the way. Name a file, for instance "
            f"{path / 'panel.png'}."
        )
    make_folder(path.parent)
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise ExportError(f"{path.parent}: may not be written. Name another place.")


def write_whole(contents: Mapping[Path, bytes]) -> None:
    """Write files under temporary names, then put them all in their places.

    Nothing is put in place before everything is written, so a full disk leaves the files that
    were there as they were.

    Raises:
        ExportError: If a folder is in the way, or a place may not be written; it names the file.
    """
    waiting: dict[Path, Path] = {}
    current = Path()
    try:
        for path, content in contents.items():
            current = path
            check_place(path)
            waiting[path] = _write_beside(path, content)
        for path, temporary in waiting.items():
            current = path
            temporary.replace(path)
    except OSError as error:
        raise _unwritable(current, error) from error
    finally:
        for temporary in waiting.values():
            temporary.unlink(missing_ok=True)


def _write_beside(path: Path, content: bytes) -> Path:
    """Write a temporary file in the same folder, so that replacing is one step of the disk."""
    handle, name = tempfile.mkstemp(prefix=".daug-", suffix=".part", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _umask() -> int:
    """Return the umask; there is no other way to read it than to set it twice."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _unwritable(path: Path, error: OSError) -> ExportError:
    return ExportError(
        f"{path}: cannot be written ({error.strerror or error}). "
        "Check that the folder may be written and the disk has room, or name another place."
    )
