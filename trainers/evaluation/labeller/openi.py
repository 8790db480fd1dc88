"""The reports of Open-i (Indiana University) with the headings that coders gave them."""

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from daug.errors import ManifestError
from trainers.adapters.openi_report import MOST_BYTES, OpeniReport, parse_report


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
        documents = _from_folder(source) if source.is_dir() else _from_archive(source)
        reports = [(name, parse_report(name, xml)) for name, xml in documents]
    except (OSError, tarfile.TarError) as error:
        raise ManifestError(
            f"{source} cannot be read ({error}). Give Open-i's NLMCXR_reports.tgz or its folder."
        ) from error
    coded = [_coded(name, report) for name, report in reports if _is_scored(report)]
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


def _is_scored(report: OpeniReport) -> bool:
    said = report.sections.get("FINDINGS") or report.sections.get("IMPRESSION")
    return bool(said) and report.coded


def _coded(name: str, report: OpeniReport) -> CodedReport:
    return CodedReport(name, report.text, report.headings)
