"""Measures the maps of an open radiograph, once for each group it is compared with."""

from collections.abc import Sequence

from daug.heatmap import Heatmap, Recipe
from daug.normal_floor import NormalPercentile, asks_what_is_abnormal
from daug.workstation import Workstation
from ui.readings import Reading


def measure(workstation: Workstation, reading: Reading, maps: Sequence[Heatmap]) -> None:
    """Measure those maps that were not measured yet, and keep it with the reading."""
    measurer = workstation.measurer
    if measurer is None:
        return
    for heatmap in maps:
        if reading.measured(heatmap.recipe) is None:
            reading.keep_measured(heatmap.recipe, measurer.read(reading.radiograph, heatmap))


def measure_radiograph(workstation: Workstation, reading: Reading) -> None:
    """Measure what needs no map: the cardiothoracic ratio."""
    if workstation.measurer is not None:
        reading.ratio = workstation.measurer.ratio(reading.radiograph)


def percentile_of(reading: Reading, recipe: Recipe) -> NormalPercentile | None:
    """Return where a map lies among those of normals.

    None for one that is imagined, and for one that was not measured.
    """
    read = reading.measured(recipe)
    return read.percentile if read is not None and asks_what_is_abnormal(recipe) else None


def percentile_line(reading: Reading, recipe: Recipe) -> tuple[str, ...]:
    """Return the same in words, in one line or none."""
    found = percentile_of(reading, recipe)
    return () if found is None else (found.in_words,)


def told_below(reading: Reading, maps: Sequence[Heatmap]) -> dict[Recipe, str]:
    """Return what Figure 2 says below each map: where it lies among normals, where that counts."""
    lines = {one.recipe: percentile_line(reading, one.recipe) for one in maps}
    return {recipe: line[0] for recipe, line in lines.items() if line}
