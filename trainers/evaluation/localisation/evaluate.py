"""How well a bundle's heatmaps find what experts have drawn: the body of `daug evaluate heatmaps`.

By default it keeps to what a reader of the tables needs first: the bundle's own recipe, one seed,
only the super-class that was drawn, at most 64 normals. Maps are kept in the output folder, so that
a stopped run goes on where it was and a repeat is quick.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from daug.anatomy import Anatomist, open_anatomist
from daug.bundle import Bundle, file_digest, read_bundle
from daug.bundled_models import load_models
from daug.engine import Engine
from daug.errors import ManifestError
from daug.normal_floor import read_floor
from daug.organs import OrganMasks
from daug.radiograph import ModelInput
from trainers.evaluation.bootstrap import DRAWS
from trainers.evaluation.held_out import refuse_training_radiographs
from trainers.evaluation.localisation.checks_run import (
    USUAL_IMAGES,
    choose,
    run_checks,
    summarise,
)
from trainers.evaluation.localisation.co_occurring import search
from trainers.evaluation.localisation.counterfactual import CheckPlan
from trainers.evaluation.localisation.csv_table import write_csv
from trainers.evaluation.localisation.document import Localisation, document, write_document
from trainers.evaluation.localisation.map_store import MapStore
from trainers.evaluation.localisation.mapped import MapMaker
from trainers.evaluation.localisation.measuring import kinds_of, measure_all
from trainers.evaluation.localisation.normals import (
    USUAL_NORMALS,
    held_out_normals,
    measure_heat,
    summarise_normals,
)
from trainers.evaluation.localisation.pages import Pages, write_pages
from trainers.evaluation.localisation.phantom_rows import phantom_rows
from trainers.evaluation.localisation.scorable import (
    DRAWING_MODELS,
    Part,
)
from trainers.evaluation.localisation.scored import score
from trainers.evaluation.localisation.tables import markdown
from trainers.evaluation.localisation.truths import TRUTHS, Case, find_cases
from trainers.evaluation.movement import find_device
from trainers.manifest import Row, read_manifest

KEPT_FOLDER = "kept"
MAPS_FOLDER, CHECKS_FOLDER, NORMALS_FOLDER = "kept/maps", "kept/checks", "kept/normals"
MORE_IMAGES = 8  # times as many radiographs for the counterfactual checks with --full


@dataclass(frozen=True)
class HeatmapEvaluationRequest:
    """What somebody asks to be scored."""

    manifest: Path
    output: Path
    bundle: Path
    phantoms: Path | None = None  # folder of bundles that learnt from phantoms
    full: bool = False
    draws: int = DRAWS
    seed: int = 0  # of the bootstrap


def evaluate_heatmaps(request: HeatmapEvaluationRequest) -> dict[str, Any]:
    """Score a bundle's heatmaps, write tables and pages, and return the JSON document.

    Raises:
        BundleError: If the bundle cannot be loaded.
        ManifestError: If no truth of the manifest can be scored, or an image or mask is missing.
    """
    began = time.monotonic()
    bundle = read_bundle(request.bundle)
    rows = read_manifest(request.manifest)
    cases = find_cases(rows, bundle)
    _refuse_nothing(request.manifest, cases)
    refuse_training_radiographs(bundle, [case.row for case in cases], DRAWING_MODELS)
    device = find_device()
    engine = Engine(load_models(bundle), device)
    anatomist = open_anatomist(bundle, device)
    maker = MapMaker(engine, MapStore(request.output / MAPS_FOLDER), _lungs_of(anatomist))
    found = measure_all(cases, maker)
    table = score(found.measured, draws=request.draws, seed=request.seed)
    parts = {
        **_checks(request, engine, rows, anatomist),
        "normals": _normals(request, engine, rows),
        "off_target": phantom_rows(request.phantoms, request.output / KEPT_FOLDER, request.draws),
    }
    result = Localisation(
        about=_about(request, bundle, time.monotonic() - began),
        bundle=bundle,
        cases=cases,
        rows=table,
        parts=parts,
        co_occurring=found.off_target,
        drawn_together=search(rows, bundle),
        left_out=_left_out(bundle, anatomist, request.phantoms),
    )
    request.output.mkdir(parents=True, exist_ok=True)
    (request.output / "heatmaps.md").write_text(markdown(result), encoding="utf-8")
    write_csv(table, request.output / "heatmaps.csv")
    write_pages(
        Pages(
            title=f"How well heatmaps of {bundle.name} {bundle.version} find disease",
            cases=cases,
            measured=found.measured,
            rows=table,
            percentiles=found.percentiles,
            heat_scale=bundle.heat_scale,
            draw=lambda case: maker.maps(case.radiograph, kinds_of(case, bundle)),
            every=request.full,
        ),
        request.output,
    )
    return write_document(document(result), request.output)


def _refuse_nothing(manifest: Path, cases: Sequence[Case]) -> None:
    if not any(case.part is Part.FIGURE for case in cases):
        names = ", ".join(truth.name for truth in TRUTHS)
        raise ManifestError(
            f"{manifest.name}: no held-out radiograph bears any of {names} of a super-class that "
            "the bundle offers, so nothing can be scored. Name a manifest with drawn masks or "
            "boxes."
        )


def _lungs_of(anatomist: Anatomist | None) -> Callable[[ModelInput], OrganMasks | None] | None:
    return None if anatomist is None else anatomist.segment


def _checks(
    request: HeatmapEvaluationRequest,
    engine: Engine,
    rows: Sequence[Row],
    anatomist: Anatomist | None,
) -> dict[str, Any]:
    plan = CheckPlan.of(engine.models.bundle, full=request.full)
    look = None if anatomist is None else anatomist.look_at_all
    chosen = choose(rows, engine, USUAL_IMAGES * (MORE_IMAGES if request.full else 1))
    found = run_checks(engine, chosen, plan, look, request.output / CHECKS_FOLDER)
    return summarise(found, look, plan, request.draws)


def _normals(
    request: HeatmapEvaluationRequest, engine: Engine, rows: Sequence[Row]
) -> dict[str, Any]:
    images = None if request.full else USUAL_NORMALS
    chosen = held_out_normals(rows, engine.models.bundle, images)
    heat = measure_heat(engine, chosen, request.output / NORMALS_FOLDER)
    return summarise_normals(heat, read_floor(engine.models.bundle))


def _about(request: HeatmapEvaluationRequest, bundle: Bundle, seconds: float) -> dict[str, Any]:
    return {
        "bundle": {"name": bundle.name, "version": bundle.version, "digest": bundle.digest},
        "recipe": asdict(bundle.recipe),
        "manifest": {"file": request.manifest.name, "digest": file_digest(request.manifest)},
        "full": request.full,
        "draws": request.draws,
        "seed": request.seed,
        "seconds": round(seconds, 1),
    }


def _left_out(bundle: Bundle, anatomist: Anatomist | None, phantoms: Path | None) -> list[str]:
    reasons = []
    if phantoms is None:
        reasons.append("off-target heat on phantoms: no bundles that learnt from phantoms")
    if anatomist is None:
        reasons.append("lungs: the bundle has no anatomy model, so there is no map of the lungs")
    offered = {card.name for card in bundle.offered}
    for truth in TRUTHS:
        if truth.super_class not in offered:
            reasons.append(f"{truth.name}: the bundle offers no map of {truth.super_class}")
    return reasons
