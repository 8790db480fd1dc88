"""Try recipes and classifiers on the radiographs that are there to choose with, and no others.

cases = tuning_cases(bundle, manifest)
rows = score_recipe(engine, cases, {"scale": 150.0, "noise_level": 400})
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from daug.bundle import Bundle
from daug.engine import Engine
from trainers.evaluation.bootstrap import DRAWS
from trainers.evaluation.localisation.kinds import GRAD_CAM, Kind, daug_kinds
from trainers.evaluation.localisation.map_store import MapStore
from trainers.evaluation.localisation.mapped import MapMaker
from trainers.evaluation.localisation.scorable import Part
from trainers.evaluation.localisation.scored import LocalisationRow, measure_case, score
from trainers.evaluation.localisation.truths import Case, find_cases
from trainers.manifest import read_manifest


def tuning_cases(bundle: Bundle, manifest: Path) -> list[Case]:
    """Return what may be used for choosing: halves of unseen sources, validation splits of others.

    Raises:
        ManifestError: If the manifest or a mask cannot be read.
    """
    return find_cases(read_manifest(manifest), bundle, [Part.TUNING])


def score_recipe(
    engine: Engine,
    truths: Sequence[Case],
    recipe_changes: Mapping[str, Any] | None = None,
    *,
    every_map: bool = False,
    others: Sequence[str] = (GRAD_CAM,),
    store: Path | None = None,
    draws: int = DRAWS,
) -> list[LocalisationRow]:
    """Return the rows of one recipe on tuning cases.

    Args:
        engine: Of the bundle, or of another classifier in it.
        truths: From `tuning_cases`; cases for the figure are passed over.
        recipe_changes: Fields of the bundle's recipe that are tried in another way.
        every_map: All questions and activations, rather than the default map alone.
        others: Methods to compare with.
        store: Folder that keeps maps for the next time. Only for engines whose bundle digest
            stands for their networks.
        draws: Of the bootstrap.
    """
    maker = MapMaker(engine, None if store is None else MapStore(store), changes=recipe_changes)
    found = []
    for case in truths:
        if case.part is not Part.TUNING:
            continue
        name = case.truth.super_class
        ours = [k for k in daug_kinds(maker.bundle, name) if every_map or k.default]
        kinds = [*ours, *(Kind(method, name) for method in others)]
        found += measure_case(case, maker.maps(case.radiograph, kinds))
    return score(found, Part.TUNING, draws=draws)


def line(row: LocalisationRow) -> str:
    """Return a row as one line for a terminal."""
    figures = "  ".join(
        f"{name} {e.value:.3f} ({e.low:.3f}..{e.high:.3f})" for name, e in row.figures.items()
    )
    differences = "  ".join(
        f"d_{name} {row.to_grad_cam[name].value:+.3f} "
        f"({row.to_grad_cam[name].low:+.3f}..{row.to_grad_cam[name].high:+.3f})"
        for name in ("hit_rate", "energy_ratio")
        if name in row.to_grad_cam
    )
    mark = "*" if row.kind.default else " "
    return f"{row.truth:20s} n={row.n:3d} {mark}{row.kind.text:62s} {figures}  {differences}"
