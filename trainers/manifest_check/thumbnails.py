"""Small pictures that stand in a page as data, so that it needs no other file."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

from PIL import Image

from daug.errors import RadiographError
from daug.loading import load_radiograph
from trainers.manifest_check.checking import Checked
from trainers.manifest_check.entries import Entry
from trainers.manifest_check.looking import Seen, small_picture

QUALITY = 80  # of the JPEG


@dataclass(frozen=True)
class Thumbnail:
    """One picture of the page."""

    uri: str  # data:image/jpeg;base64,...
    caption: str


def sheet(checked: Checked, most: int) -> list[Thumbnail]:
    """Return pictures from every data set and split by turns, spread over the rows of each."""
    groups: dict[tuple[str, str], list[Entry]] = {}
    for row, look in zip(checked.rows, checked.looks, strict=True):
        if isinstance(look, Seen):
            groups.setdefault((row.dataset, row.split), []).append(row)
    each = -(-most // max(1, len(groups)))
    spread = [_spread(group, each) for _, group in sorted(groups.items())]
    by_turns = [group[turn] for turn in range(each) for group in spread if turn < len(group)]
    chosen = sorted(by_turns[:most], key=lambda row: (row.dataset, row.split))
    return [picture for row in chosen if (picture := thumbnail(row))]


def thumbnail(row: Entry) -> Thumbnail | None:
    """Return a radiograph as a small JPEG; None if it cannot be read any more."""
    try:
        radiograph = load_radiograph(row.image)
    except RadiographError:
        return None
    kept = BytesIO()
    Image.fromarray(small_picture(radiograph)).save(kept, "JPEG", quality=QUALITY)
    coded = base64.b64encode(kept.getvalue()).decode("ascii")
    return Thumbnail(f"data:image/jpeg;base64,{coded}", f"{row.id}, {row.dataset}, {row.split}")


def _spread(group: Sequence[Entry], count: int) -> list[Entry]:
    step = max(1.0, len(group) / count)
    return [group[int(place * step)] for place in range(min(count, len(group)))]
