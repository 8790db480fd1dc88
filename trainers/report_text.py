"""Which sentences of a report are learnt from, and what marks them as real.

Radiology reports have sections under headings. What the picture shows stands in FINDINGS and
IMPRESSION; indication, history and comparison do not describe it (reference: the sections that
MIMIC-CXR's own code tells apart, https://github.com/MIT-LCP/mimic-cxr).
"""

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum

DEFAULT_SECTIONS = ("findings", "impression")
HEADING = re.compile(r"^[ \t]*([A-Za-z][A-Za-z ()/,&-]{2,60}):[ \t]*", re.MULTILINE)
SYNONYMS = {"conclusion": "impression", "findings and impression": "impression"}
# Where a nodule lies in the pixels of another picture, as JSRT's one-line descriptions say.
PIXEL_PLACE = re.compile(r"\s*centre x=\d+ y=\d+ of \d+,?")
SPACES = re.compile(r"\s+")
BLANK_LINE = re.compile(r"\n[ \t]*\n")


class TextOrigin(StrEnum):
    """Where the text of a case is from; a template never scores as a real report."""

    REAL = "real"
    TEMPLATE = "template"
    NONE = "none"


@dataclass(frozen=True)
class CaseText:
    """What is said of a case."""

    text: str
    origin: TextOrigin


NO_TEXT = CaseText("", TextOrigin.NONE)


def real_text(report: str, sections: tuple[str, ...] = DEFAULT_SECTIONS) -> CaseText:
    """Return the sections of a report in the order asked for, as one line.

    A report without headings is taken whole. One with headings, but none that was asked for, says
    nothing about the picture, unless a paragraph of its own follows the last section: so one report
    of MIMIC-CXR in twenty is written.
    """
    headings = list(HEADING.finditer(report))
    if not headings:
        chosen = report
    else:
        found: dict[str, list[str]] = {}
        ends = [heading.start() for heading in headings[1:]] + [len(report)]
        for heading, end in zip(headings, ends, strict=True):
            name = SPACES.sub(" ", heading.group(1)).strip().lower()
            found.setdefault(SYNONYMS.get(name, name), []).append(report[heading.end() : end])
        chosen = " ".join(" ".join(found.get(section, [])) for section in sections)
        if not chosen.strip() and not found.keys() & set(DEFAULT_SECTIONS):
            chosen = " ".join(BLANK_LINE.split(report[headings[-1].end() :], maxsplit=1)[1:])
    line = SPACES.sub(" ", PIXEL_PLACE.sub("", chosen)).strip()
    return CaseText(line, TextOrigin.REAL) if line else NO_TEXT


def meaning_of(text: str) -> int:
    """Return a number that two texts share if, and hardly ever unless, they say the same."""
    digest = hashlib.blake2b(text.casefold().encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1  # fits a signed number of 64 bits
