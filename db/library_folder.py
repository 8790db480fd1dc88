"""The folder of a case library: whose it is, and the key that hides its patients.

The key never leaves the folder. Without it nobody can tell which patient a pseudonym stands for,
nor whether the cases of two libraries are the same person's.
"""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from daug.errors import LibraryError

KEY_FILE = "identity.key"
KEY_BYTES = 32


@dataclass(frozen=True)
class LibraryFolder:
    """A library's folder, with its key."""

    path: Path
    identity_key: bytes  # 32 bytes; keep it out of logs and exports

    def __repr__(self) -> str:
        return f"LibraryFolder(path={self.path!r})"


def open_library_folder(path: Path) -> LibraryFolder:
    """Return a library's folder; the folder and its key are made on first use.

    Raises:
        LibraryError: If the folder cannot be made or read, or its key is not whole.
    """
    key_path = path / KEY_FILE
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not key_path.exists():
            _make_key(key_path)
        key = key_path.read_bytes()
    except OSError as error:
        raise LibraryError(
            f"{path} cannot be used as a library ({error.strerror}). "
            "Name a folder that you may write to."
        ) from error
    if len(key) != KEY_BYTES:
        raise LibraryError(
            f"{key_path} holds {len(key)} bytes, but a key has {KEY_BYTES}. Restore it from a "
            "backup: with another key the library's patients are not recognised any more."
        )
    return LibraryFolder(path, key)


def _make_key(key_path: Path) -> None:
    """Write a new key so that of two programs starting at once both end up with the same one."""
    own = key_path.with_name(f"{KEY_FILE}.{secrets.token_hex(8)}")
    descriptor = os.open(own, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(own, key_path)  # fails if the other was first
    except FileExistsError:
        pass
    finally:
        own.unlink()
