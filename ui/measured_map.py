"""What was measured of a map and of its radiograph: keys of the document that `--json` prints."""

from dataclasses import replace
from typing import Any

from daug.heatmap import Heatmap, Recipe
from daug.input_check import InputCheck
from daug.radiograph import OLDEST_AGE, Radiograph
from daug.view import View
from daug.workstation import Workstation

NOT_MEASURED: dict[str, Any] = {
    "normal_percentile": None,
    "stability": None,
    "zones": None,
    "cardiothoracic_ratio": {"before": None, "after": None},
}


def stated(radiograph: Radiograph, view: View | None, age: float | None) -> Radiograph:
    """Return a radiograph with the view and the age that a person states of it, where given."""
    return replace(
        radiograph,
        view=radiograph.view if view is None else view,
        age=radiograph.age if age is None else min(age, OLDEST_AGE),
    )


def drawn_often(recipe: Recipe, drawings: int) -> Recipe | None:
    """Return the recipe that draws a map several times, to tell how stable it is.

    None where the recipe draws several times by itself, or once is enough.
    """
    if drawings < 2 or len(recipe.seeds) > 1:
        return None
    return replace(recipe, seeds=tuple(range(drawings)))


def checked(workstation: Workstation, radiograph: Radiograph) -> InputCheck | None:
    """Return what the input check says; None where the models have none."""
    return None if workstation.check_input is None else workstation.check_input(radiograph)


def measured_document(
    workstation: Workstation,
    radiograph: Radiograph,
    heatmap: Heatmap,
    drawings: Heatmap | None,
    check: InputCheck | None,
) -> dict[str, Any]:
    """Return the keys: percentile among normals, stability, zones, ratios and the input check."""
    values = dict(NOT_MEASURED)
    if workstation.measurer is not None:
        values = workstation.measurer.read(radiograph, heatmap, drawings).to_dict()
    return {**values, "input_check": None if check is None else check.as_json()}


def measured_lines(document: dict[str, Any]) -> list[str]:
    """Return the same in a few lines for a person; nothing of what was not measured."""
    lines = []
    percentile = document["normal_percentile"]
    if percentile is not None and percentile["value"] is not None:
        lines.append(
            f"hotter than {percentile['value']:.0f} of 100 {percentile['group']} normals, "
            f"n = {percentile['n']}"
        )
    elif percentile is not None:
        lines.append(f"no normal range: {percentile['reason']}")
    stability = document["stability"]
    if stability is not None:
        lit = round(stability["peak"] * stability["drawings"])
        lines.append(f"hottest place lit in {lit} of {stability['drawings']} drawings")
    if document["zones"] is not None and document["zones"]["outside_lungs"] is not None:
        lines.append(f"{100 * document['zones']['outside_lungs']:.0f} % of the heat outside lungs")
    ratios = document["cardiothoracic_ratio"]
    told = [_ratio_in_words(ratios[when]) for when in ("before", "after") if ratios[when]]
    if told:
        lines.append(f"cardiothoracic ratio {' -> '.join(told)}")
    return lines


def _ratio_in_words(ratio: dict[str, Any]) -> str:
    if ratio["value"] is None:
        return f"withheld ({ratio['withheld']})"
    if ratio["low"] is not None:
        return f"{ratio['value']:.2f} ({ratio['low']:.2f} to {ratio['high']:.2f})"
    return f"{ratio['value']:.2f} ({ratio['note']})"
