"""Cases of a page as small pictures with a few lines below each; quick to turn pages."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock

import numpy as np
from PIL import Image, ImageDraw

from daug.case import Case
from daug.case_desk import CaseLibrary
from daug.view import View
from ui.case_pane import on_square, years
from ui.heat_picture import Picture
from ui.hit_gallery import FRAME, TILE, Tile, main_findings

MOST_KEPT = 480  # pictures, 40 MB
OPEN = (86, 180, 233)  # blue that color-blind eyes tell from the frame of what shows nobody
EDGE = 5  # pixels of the open one's frame
MOST_TAGS = 3  # named below a picture

Key = tuple[str, bool]


@dataclass(frozen=True)
class SmallPictures:
    """The small pictures of a library, the latest kept in memory."""

    library: CaseLibrary
    _kept: OrderedDict[Key, Picture] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def of(self, case: Case) -> Picture:
        """Return a case's small picture on a black square, framed if it shows nobody."""
        key = (case.pixel_digest, case.synthetic)
        with self._lock:
            known = self._kept.get(key)
        if known is not None:
            return known
        picture = self._drawn(case)
        with self._lock:
            self._kept[key] = picture
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return picture

    def of_patient(self, cases: Sequence[Case], opened: int) -> list[Tile]:
        """Return the radiographs of one patient in their order, the open one in a frame."""
        return [
            (
                _open(self.of(case)) if case.case_id == opened else self.of(case),
                f"{place} of {len(cases)} · {case.alias} · {main_findings(case)}",
            )
            for place, case in enumerate(cases, start=1)
        ]

    def _drawn(self, case: Case) -> Picture:
        inside = TILE - 2 * FRAME
        try:
            with Image.open(self.library.thumbnail(case)) as image:
                small = image.convert("L")
        except OSError:  # its file is gone, which Upkeep mends
            small = Image.new("L", (1, 1))
        small.thumbnail((inside, inside), Image.Resampling.BICUBIC)
        gray = np.asarray(small)[..., None]
        return on_square(gray, TILE, FRAME, shows_nobody=case.synthetic)


def caption(case: Case) -> str:
    """Return what stands below a case: who, how, what, what it bears, where from."""
    view = "view ?" if case.view is View.UNKNOWN else case.view.value
    person = f"{case.sex or 'sex ?'} {'age ?' if case.age is None else years(case.age)}"
    lines = [case.alias, f"{view} · {person}", main_findings(case)]
    if case.tags:
        more = f" +{len(case.tags) - MOST_TAGS}" if len(case.tags) > MOST_TAGS else ""
        lines.append(f"# {', '.join(case.tags[:MOST_TAGS])}{more}")
    return "\n".join([*lines, case.source or "no source"])


def _open(tile: Picture) -> Picture:
    image = Image.fromarray(tile)
    side = tile.shape[0] - 1
    ImageDraw.Draw(image).rectangle((0, 0, side, side), outline=OPEN, width=EDGE)
    return np.asarray(image)
