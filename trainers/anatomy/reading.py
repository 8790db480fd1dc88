"""What an anatomist sees on the radiographs of a manifest; what their rows say of the patient."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from daug.anatomy import AT_ONCE, Anatomist
from daug.cardiothoracic import CardiothoracicRatio, RatioError, cardiothoracic_ratio
from daug.loading import load_radiograph
from daug.organs import OrganMasks
from daug.seen_organs import SeenOrgans
from daug.stated_age import years
from daug.view import View
from trainers.manifest import Row


@dataclass(frozen=True, eq=False)
class SeenRow:
    """One radiograph of a manifest, looked at."""

    row: Row
    seen: SeenOrgans
    organs: OrganMasks  # on the radiograph's own pixels


def look_at_rows(anatomist: Anatomist, rows: Sequence[Row]) -> Iterator[SeenRow]:
    """Yield what is seen on each radiograph, in order.

    Raises:
        RadiographError: If an image cannot be read.
    """
    waiting = iter(rows)
    while group := list(islice(waiting, AT_ONCE)):
        radiographs = [load_radiograph(row.image) for row in group]
        inputs = [radiograph.model_input(anatomist.image_size) for radiograph in radiographs]
        all_seen = anatomist.look_at_all(np.stack([model_input.pixels for model_input in inputs]))
        for row, radiograph, model_input, seen in zip(
            group, radiographs, inputs, all_seen, strict=True
        ):
            height, width = radiograph.pixels.shape
            yield SeenRow(row, seen, seen.on_radiograph(model_input, (height, width)))


def ratio_of(found: SeenRow, error: RatioError | None = None) -> CardiothoracicRatio:
    """Return the cardiothoracic ratio of a radiograph, by what its row says of view and age."""
    return cardiothoracic_ratio(
        found.organs,
        view=view_of(found.row),
        age=years(found.row.age),
        confidence=found.seen.confidence,
        error=error,
    )


def view_of(row: Row) -> View:
    """Return a row's view; "AP Supine" and "AP erect" are AP."""
    word = row.view.strip().upper().split(" ")[0]
    return {"PA": View.PA, "AP": View.AP, "LATERAL": View.LATERAL}.get(word, View.UNKNOWN)
