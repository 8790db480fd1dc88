"""The reports of Open-i (Indiana University) with the headings that coders gave them."""

import tarfile
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from daug.errors import ManifestError
from trainers.evaluation.labeller.mesh import UNCODED

SECTIONS = ("COMPARISON", "INDICATION", "FINDINGS", "IMPRESSION")
MOST_BYTES = 1_000_000  # of one report; the largest has 20,000


@dataclass(frozen=True)
class CodedReport:
    """One report; each is of another patient."""

    id: str
    text: str  # sections under their headings
    headings: tuple[str, ...]  # lower case


def read_coded_reports(source: Path) -> list[CodedReport]:
    """Return the reports that say something and were coded.

    Args:
        source: The .tgz file as Open-i hands it out, or a folder of its XML files.

    Raises:
        ManifestError: If there is none, or the source cannot be read.
    """
    try:
        documents = list(_from_folder(source) if source.is_dir() else _from_archive(source))
        reports = [_report(name, xml) for name, xml in documents]
    except (OSError, tarfile.TarError, ET.ParseError) as error:
        raise ManifestError(
            f"{source} cannot be read ({error}). Give Open-i's NLMCXR_reports.tgz or its folder."
        ) from error
    coded = [report for report in reports if report is not None]
    if not coded:
        raise ManifestError(f"{source}: holds no coded report of Open-i.")
    return coded


def _from_folder(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*.xml")):
        yield path.stem, path.read_bytes()


def _from_archive(archive: Path) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.isfile() and member.name.endswith(".xml") and member.size <= MOST_BYTES:
                file = tar.extractfile(member)
                assert file is not None  # a plain file has content
                yield Path(member.name).stem, file.read()


def _report(name: str, xml: bytes) -> CodedReport | None:
    if b"<!ENTITY" in xml:
        raise ManifestError(f"{name}.xml defines entities, which no report of Open-i does.")
    root = ET.fromstring(xml)  # noqa: S314, entities were refused above
    texts = {part.get("Label"): part.text or "" for part in root.iter("AbstractText")}
    if not (texts.get("FINDINGS", "") + texts.get("IMPRESSION", "")).strip():
        return None
    headings = tuple((part.text or "").strip().lower() for part in root.iter("major"))
    if not headings or UNCODED in headings:
        return None
    text = "\n\n".join(f"{label}: {texts[label]}" for label in SECTIONS if texts.get(label))
    return CodedReport(name, text, headings)
