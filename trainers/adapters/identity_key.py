"""The secret under which patients, studies and images of a hospital's own files are hashed.

Whoever has it can test whether a number that he knows is in the manifest; so it is kept by its
owner and never passed on with the manifest. The same key gives the same names, and so the same
splits, when files are added and listed again.
"""

import os
import secrets
from pathlib import Path

from daug.errors import ManifestError

KEY_BYTES = 32


def usual_key_file(output: Path) -> Path:
    """Return where the key of a manifest lies unless another is named."""
    return output.with_name(f"{output.stem}.identity.key")


def open_key(path: Path) -> bytes:
    """Return the key in a file, which is made on first use and readable by its owner alone.

    Raises:
        ManifestError: If it cannot be read or made, or is no whole key.
    """
    try:
        if not path.exists():
            _make(path)
        key = path.read_bytes()
    except OSError as error:
        raise ManifestError(
            f"{path} cannot be used as a key ({error.strerror}). Name with --key a file in a "
            "folder that you may write to."
        ) from error
    if len(key) != KEY_BYTES:
        raise ManifestError(
            f"{path} holds {len(key)} bytes, but a key has {KEY_BYTES}. Restore it from a backup, "
            "or name another file with --key: patients then get other names and splits."
        )
    return key


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    own = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(own, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(KEY_BYTES))
    try:
        path.hardlink_to(own)  # fails if another program was first
    except FileExistsError:
        pass
    finally:
        own.unlink()
