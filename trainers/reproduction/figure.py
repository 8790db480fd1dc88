"""Figure 2 of two test radiographs, as the paper has it: those that show most at once."""

import shutil
from collections.abc import Mapping
from typing import Any

from daug.bundle import read_bundle
from daug.findings import State
from trainers.manifest import Row, read_manifest, select
from trainers.pixels import large_enough
from trainers.reproduction.order import DrawFigure, Order

RADIOGRAPHS = 2


def draw_figures(order: Order, draw: DrawFigure) -> Mapping[str, Any]:
    """Draw a panel of each chosen radiograph of the test split into the figures' folder."""
    parts = order.parts
    partial = parts.figures.with_name(f"{parts.figures.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    chosen = choose_radiographs(order)
    for number, row in enumerate(chosen, start=1):
        draw(parts.bundle, row.image, partial / f"figure2-{number}.png")
    partial.rename(parts.figures)
    return {"radiographs": [row.id for row in chosen]}


def choose_radiographs(order: Order) -> list[Row]:
    """Return radiographs of different patients that show most of the offered super-classes.

    Where findings go together, softmax and sigmoid guidance can differ. Ties go by the id.
    """
    offered = [card.super_class for card in read_bundle(order.parts.bundle).offered]

    def shown(row: Row) -> int:
        return sum(row.state(super_class) is State.PRESENT for super_class in offered)

    rows = select(read_manifest(order.parts.manifest), splits=["test"])
    first: dict[str, Row] = {}
    for row in sorted(rows, key=lambda row: (-shown(row), row.id)):
        first.setdefault(row.patient, row)
    return large_enough(list(first.values())[: 2 * RADIOGRAPHS])[:RADIOGRAPHS]
