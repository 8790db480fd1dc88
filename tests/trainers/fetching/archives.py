"""Archives as collections pack them, and as nobody should."""

import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path


def tar_of(files: Mapping[str, bytes], *odd: tarfile.TarInfo, mode: str = "w:gz") -> bytes:
    """Pack files, and members that are no files."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as tar:  # type: ignore[call-overload]
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for member in odd:
            tar.addfile(member)
    return packed.getvalue()


def link(name: str, to: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, to
    return member


def named(name: str) -> tarfile.TarInfo:
    """Return an empty file whose name a plain header cannot hold."""
    member = tarfile.TarInfo("a")
    member.pax_headers = {"path": name}
    return member


def zip_of(files: Mapping[str, bytes], links: Mapping[str, str] | None = None) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in files.items():
            opened.writestr(name, content)
        for name, to in (links or {}).items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o120777 << 16
            opened.writestr(entry, to)
    return packed.getvalue()


def everything(folder: Path) -> dict[str, bytes]:
    """Return all files below a folder by their path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
