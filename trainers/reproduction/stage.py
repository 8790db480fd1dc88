"""A stage of a reproduction: what it is made of, what it leaves behind, and how it is made."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from daug.bundle import file_digest


@dataclass(frozen=True)
class Stage:
    """One step on the way, made once."""

    name: str
    says: str  # what it does, for a person
    outputs: tuple[Path, ...]  # files and folders that it leaves behind
    make: Callable[[], Mapping[str, Any]]  # returns what is worth remembering, as JSON values
    settings: Mapping[str, Any] = field(default_factory=dict)  # as JSON values
    needs: tuple[str, ...] = ()  # stages whose outputs it reads
    work: tuple[Path, ...] = ()  # folders in which an interrupted one can go on
    many_files: bool = False  # too many to read: they are known by name and length


def fingerprint(stage: Stage) -> str:
    """Return SHA-256 of what a stage left behind; empty if any of it is missing."""
    digest = hashlib.sha256()
    for output in stage.outputs:
        files = (
            [output] if output.is_file() else sorted(p for p in output.rglob("*") if p.is_file())
        )
        if not files:
            return ""
        for path in files:
            said = str(path.stat().st_size) if stage.many_files else file_digest(path)
            digest.update(f"{output.name}/{path.relative_to(output)} {said}\n".encode())
    return digest.hexdigest()
