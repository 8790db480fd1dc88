"""One case of a comparison as a picture: its radiograph, and below it who, what and how alike.

Every pane is as large as every other and every radiograph fills its square in the same way, in
the same gray levels, so that two panes can be compared. Nothing is written on a radiograph.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from daug.case import Case, FindingState
from daug.findings import Finding
from daug.radiograph import Radiograph
from daug.view import View
from ui import wording
from ui.captioned import BLACK, FAINT, WARNING, WHITE
from ui.heat_picture import Picture, fitted, shown
from ui.typesetting import font, line_height, wrapped, write

SIDE = 760  # pixels of the square that a radiograph and its frame fill
LETTERS = 28  # pixels; a pane is about half as wide on a small screen
STRIP_LINES = 8  # that every strip has room for, so that panes align
FRAME = 8  # pixels around what shows nobody
SHOWS_NOBODY = "synthetic, shows nobody"
NOT_KNOWN = "Findings: nothing is known"


@dataclass(frozen=True)
class PaneText:
    """What stands below a radiograph."""

    heading: str  # which pane it is, and how alike
    lines: Sequence[str]  # identity first
    synthetic: bool = False
    imagined: str = ""  # what is only imagined of it


def case_pane(radiograph: Radiograph, text: PaneText) -> Picture:
    """Return a radiograph above what is known of it."""
    rows, columns = radiograph.pixels.shape
    inside = SIDE - 2 * FRAME  # with a frame or without, so that all are of one size
    small = shown(radiograph, fitted((rows, columns), (inside, inside)))
    square = on_square(small[..., None], SIDE, FRAME, shows_nobody=text.synthetic)
    return np.concatenate([square, _strip(text)])


def on_square(picture: NDArray[np.uint8], side: int, frame: int, *, shows_nobody: bool) -> Picture:
    """Return a picture in the middle of a black square, framed if it shows nobody.

    Args:
        picture: (H, W, 1) or (H, W, 3), no side longer than the square without its frame.
        side: Of the square.
        frame: Its width, which is left free in any case.
    """
    square = np.zeros((side, side, 3), dtype=np.uint8)
    if shows_nobody:
        square[:] = WARNING
        square[frame:-frame, frame:-frame] = BLACK
    top, left = (side - picture.shape[0]) // 2, (side - picture.shape[1]) // 2
    square[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return square


def case_lines(case: Case) -> list[str]:
    """Return identity, source, view, sex, age and findings of a case."""
    known = (case.alias, case.source, seen_from(case.view), who(case))
    return [", ".join(part for part in known if part), *findings_lines(case)]


def who(case: Case) -> str:
    """Return sex and age, as far as they are known."""
    sex = {"F": "female", "M": "male", "O": "other sex"}.get(case.sex, "sex not known")
    if case.age_stated and not case.age_stated.replace(".", "").isdigit():
        return f"{sex}, {case.age_stated}"
    return f"{sex}, age not known" if case.age is None else f"{sex}, {years(case.age)}"


def years(age: float) -> str:
    """Return an age as it is told: a baby's in months."""
    return f"{age * 12:.0f} months" if age < 2 else f"{age:.0f} years"


def seen_from(view: View) -> str:
    """Return the view in words."""
    return view.value if view is View.UNKNOWN else f"view {view.value}"


def findings_lines(case: Case) -> list[str]:
    """Return a line for every state in which a case has findings, and for what nobody mentioned."""
    lines = [
        f"{state.value.capitalize()}: {named(case.with_state(state))}"
        for state in (FindingState.PRESENT, FindingState.UNCERTAIN, FindingState.ABSENT)
        if case.with_state(state)
    ]
    if lines and case.not_mentioned:
        lines[-1] += "; others are not mentioned"
    return lines or [NOT_KNOWN]


def named(findings: frozenset[Finding]) -> str:
    """Return findings in CheXbert's order, with commas between."""
    return ", ".join(finding.value for finding in Finding if finding in findings)


def _strip(text: PaneText) -> Picture:
    """Return the words below a radiograph; smaller where they would not fit."""
    rows = STRIP_LINES * line_height(LETTERS)
    for letters in range(LETTERS, 11, -1):
        pieces = _pieces(text, letters)
        if (len(pieces) + 0.5) * line_height(letters) <= rows:
            break
    else:
        pieces = pieces[: rows // line_height(letters)]
    strip = Image.new("RGB", (SIDE, rows), BLACK)
    draw, row = ImageDraw.Draw(strip), letters // 3
    for piece, color, bold in pieces:
        row = write(draw, (letters // 3, row), [piece], letters, color, bold=bold)
    return np.asarray(strip)


def _pieces(text: PaneText, letters: int) -> list[tuple[str, tuple[int, int, int], bool]]:
    said = [(text.heading, WHITE, True)]
    if text.synthetic:
        said.append((SHOWS_NOBODY.upper(), WARNING, True))
    if text.imagined:
        said.append((text.imagined, WARNING, False))
    said += [(line, WHITE, False) for line in text.lines]
    said.append((wording.NOTICE, FAINT, False))
    return [
        (piece, color, bold)
        for line, color, bold in said
        for piece in wrapped(line, font(letters, bold=bold), SIDE - letters)
    ]
