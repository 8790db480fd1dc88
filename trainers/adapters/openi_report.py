"""One report of Open-i (Indiana University), out of its XML: sections, headings, images.

No report declares a document type, so one that does is refused: without it XML can define no
entities and refer to no other file.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from daug.errors import ManifestError
from trainers.adapters.openi_headings import UNCODED

SECTIONS = ("COMPARISON", "INDICATION", "FINDINGS", "IMPRESSION")
MOST_BYTES = 1_000_000  # of one report; the largest has 9,000
IMAGE_ID = re.compile(r"(?:CXR)?(?P<report>\d+)_(?:(?P=report)_)?(?P<image>IM-[\w-]+)")
ImageKey = tuple[str, str]  # the report's number, and the image within it


@dataclass(frozen=True)
class OpeniReport:
    """One report; each is of another patient."""

    number: str
    sections: Mapping[str, str]  # by names of SECTIONS, without blank ones
    headings: tuple[str, ...]  # lower case
    images: tuple[str, ...] = ()  # as CXR1_1_IM-0001-3001

    @property
    def text(self) -> str:
        """The sections under their headings."""
        named = (name for name in SECTIONS if name in self.sections)
        return "\n\n".join(f"{name}: {self.sections[name]}" for name in named)

    @property
    def coded(self) -> bool:
        """Whether coders gave it headings."""
        return bool(self.headings) and UNCODED not in self.headings


def parse_report(name: str, xml: bytes) -> OpeniReport:
    """Return the report in an XML document.

    Args:
        name: What to call it in messages.
        xml: UTF-8, as all of them are; what the document says of its own coding is not believed.

    Raises:
        ManifestError: If it is too large, no XML, or declares a document type.
    """
    if len(xml) > MOST_BYTES:
        raise ManifestError(
            f"{name}.xml has more than {MOST_BYTES:,} bytes, too many for a report."
        )
    try:
        text = xml.decode("utf-8-sig")
        if "<!DOCTYPE" in text or "<!ENTITY" in text:
            raise ManifestError(
                f"{name}.xml declares a document type or entities, which no report of Open-i does. "
                "Take the file from Open-i's own archive."
            )
        root = ET.fromstring(text)  # noqa: S314, what could be expanded was refused above
    except (UnicodeDecodeError, ET.ParseError) as error:
        raise ManifestError(
            f"{name}.xml cannot be read as XML ({error}). Unpack it again."
        ) from error
    uid = root.find("uId")
    return OpeniReport(
        number=(name if uid is None else uid.get("id", name)).removeprefix("CXR"),
        sections={
            part.get("Label", ""): stated
            for part in root.iter("AbstractText")
            if (stated := (part.text or "").strip())
        },
        headings=split_headings(part.text or "" for part in root.iter("major")),
        images=tuple(image for part in root.iter("parentImage") if (image := part.get("id", ""))),
    )


def split_headings(stated: Iterable[str]) -> tuple[str, ...]:
    """Return headings in lower case, without blank ones."""
    return tuple(heading for text in stated if (heading := text.strip().lower()))


def image_key(name: str) -> ImageKey:
    """Return what tells an image in either form; the name itself if it is of neither.

    `CXR1_1_IM-0001-4001.png` and `1_IM-0001-4001.dcm.png` are both ("1", "IM-0001-4001").
    """
    match = IMAGE_ID.match(name)
    return (match["report"], match["image"]) if match else ("", name)
