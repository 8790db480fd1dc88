"""The sections of a report of MIMIC-CXR, by the rules that its labels were made by.

A heading is written in capitals at the beginning of a line and ends with a colon. Headings of one
meaning get one name, and of several sections of one name the last holds: an addendum stands on top.
A report with neither impression nor findings keeps its reading in the last paragraph.

Source: the rules of https://github.com/MIT-LCP/mimic-cxr (`section_parser`), from which the labels
of MIMIC-CXR-JPG come. Misspelt headings are recognized by likeness instead of a list, and the
54 reports whose sections were marked by hand there are read like all others.
"""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from functools import lru_cache

KEPT = ("findings", "impression", "last_paragraph", "comparison", "indication", "history")
READINGS = ("impression", "findings")  # either of them holds what was seen
HEADING = re.compile(r"\n ([A-Z ()/,-]+):\s")
BLANK_LINE = "\n \n"  # each line of a report begins with a space
WITHIN = ("impression", "findings", "history", "comparison", "addendum")  # the first one holds
MEANT = {
    "conclusion": "impression",
    "clinical information": "history",
    "pfi": "history",
    "reason for exam": "indication",
    "reason for examination": "indication",
    "clinical indication": "indication",
    "reference exam": "comparison",
}
VIEWS = re.compile(  # what was taken, as the heading of what is seen on it
    r"chest|portable|ribs|bone window|frontal and|frontal (?:semi-)?upright"
    r"|(?:pa|ap) and lat|lateral and (?:pa|ap)|(?:frontal|lateral|pa|ap|one) view|two views"
)
LIKENESS = 0.85  # of a misspelt heading, by difflib's ratio; "medication" is no "indication"


def report_sections(report: str) -> dict[str, str]:
    """Return the sections named in KEPT that a report has, without blanks at their ends."""
    parts = [
        (name, text)
        for name, text in _parts(report.replace("\r\n", "\n"))
        if text.strip() or name not in READINGS
    ]
    if parts and not any(name in READINGS for name, _ in parts):
        name, text = parts[-1]
        above, gap, last = text.partition(BLANK_LINE)
        if gap:
            parts[-1:] = [(name, above), ("last_paragraph", last)]
    found = {name: stripped for name, text in parts if (stripped := text.strip())}
    return {name: found[name] for name in KEPT if name in found}


@lru_cache(4096)
def section_name(heading: str) -> str:
    """Return the name of the section under a heading; one of another meaning keeps its own."""
    heading = heading.lower().strip()
    if heading in MEANT:
        return MEANT[heading]
    within = next((name for name in WITHIN if name in heading), "")
    if within:
        return within
    if VIEWS.search(heading):
        return "findings"
    return next(iter(get_close_matches(heading, KEPT, n=1, cutoff=LIKENESS)), heading)


def _parts(report: str) -> Iterator[tuple[str, str]]:
    """Yield name and text of all that stands between headings, in order."""
    name, begin = "preamble", 0
    for heading in HEADING.finditer(report):  # the end of its line, if taken with it, begins none
        yield name, report[begin : heading.start()]
        name, begin = section_name(heading[1]), heading.end()
    yield name, report[begin:]
