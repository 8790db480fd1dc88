"""Hits and priors as small pictures, with a line or two to stand below each."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from daug.case import Case, SearchHit
from daug.case_desk import CaseLibrary
from daug.findings import Finding
from ui.case_pane import SHOWS_NOBODY, on_square
from ui.heat_picture import Picture

TILE = 168  # pixels of a small picture's side
FRAME = 4  # pixels around one that shows nobody
MAIN = 2  # findings that are named below a small picture
PRIOR = "prior"

Tile = tuple[Picture, str]


def hit_tiles(
    hits: Sequence[SearchHit], moved: Mapping[int, str], library: CaseLibrary
) -> list[Tile]:
    """Return picture and caption of each hit: rank, similarity, how it moved, main findings."""
    return [
        (small_picture(hit.case, library), hit_caption(hit, moved.get(hit.case.case_id, "")))
        for hit in hits
    ]


def prior_tiles(priors: Sequence[Case], library: CaseLibrary) -> list[Tile]:
    """Return picture and caption of each earlier or later radiograph of the patient."""
    return [
        (small_picture(case, library), f"{PRIOR} {place} of {len(priors)} · {main_findings(case)}")
        for place, case in enumerate(priors, start=1)
    ]


def hit_caption(hit: SearchHit, moved: str) -> str:
    """Return what stands below a hit."""
    first = " · ".join(part for part in (f"{hit.rank}", f"{hit.similarity:.2f}", moved) if part)
    return f"{first} · {main_findings(hit.case)}"


def main_findings(case: Case) -> str:
    """Return the first findings that are present, or what is known instead."""
    present = [finding.value for finding in Finding if finding in case.present]
    more = f" +{len(present) - MAIN}" if len(present) > MAIN else ""
    told = ", ".join(present[:MAIN]) + more if present else _without_present(case)
    return f"{told} ({SHOWS_NOBODY.split(',')[0]})" if case.synthetic else told


def small_picture(case: Case, library: CaseLibrary) -> Picture:
    """Return a case's small picture on a black square, framed if it shows nobody."""
    small = _read(library.thumbnail(case))
    if small is None:
        small = np.zeros((1, 1, 3), dtype=np.uint8)
    return on_square(small, TILE, FRAME, shows_nobody=case.synthetic)


def _read(path: Path) -> Picture | None:
    """Return a small picture that fits; None if its file is gone, which `verify` mends."""
    try:
        with Image.open(path) as image:
            picture = image.convert("RGB")
    except OSError:
        return None
    inside = TILE - 2 * FRAME
    picture.thumbnail((inside, inside), Image.Resampling.LANCZOS)
    return np.asarray(picture)


def _without_present(case: Case) -> str:
    return "nothing present" if case.absent or case.uncertain else "nothing known"
