"""The stages behind the maps: CLIP trainings, the bundle, Tables 1 to 4, Figure 2, the page."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from trainers.clip_bundle import add_clip
from trainers.evaluation.ablation import evaluate_ablation
from trainers.evaluation.ablation_runs import (
    ABLATION_ROWS,
    DAUG_HYBRID,
    RUNS_FOLDER,
    AblationRequest,
    train_all,
)
from trainers.evaluation.classifier import evaluate_classifier
from trainers.evaluation.clip_evaluation import (
    ClipEvaluationRequest,
    evaluate_classification,
    evaluate_retrieval,
)
from trainers.loop import WEIGHTS
from trainers.manifest import read_manifest, select
from trainers.model_card import write_card
from trainers.reproduction.drawing_stages import DATA, MAPS, TUNE, copy_bundle
from trainers.reproduction.figure import draw_figures
from trainers.reproduction.order import DrawFigure, Order
from trainers.reproduction.results import write_results
from trainers.reproduction.stage import Stage
from trainers.runs import RUN_FILE

CLIP, ABLATION, ADD_CLIP = "clip", "ablation", "add-clip"
RETRIEVAL, CLASSIFICATION, TABLE_4 = "retrieval", "classification", "classifier-table"
FIGURE_2, RESULTS = "figure-2", "results"
SUFFIXES = ("md", "csv", "json")


def table_stages(order: Order, sources: tuple[str, ...], draw: DrawFigure) -> list[Stage]:
    """Return the stages behind the maps, in their order."""
    parts, size = order.parts, order.size
    return [
        Stage(
            CLIP,
            f"train {len(ABLATION_ROWS)} ways, {len(order.clip_seeds)} times each",
            tuple(_trained(order)),
            lambda: _train_clip(order, sources),
            {
                "model": asdict(size.clip),
                "batch": size.clip_batch,
                "seeds": order.clip_seeds,
                "templates": size.templates,
                "text_labels": order.text_labels,
                "weights": order.weights_told,
            },
            (DATA, TUNE, MAPS),
            work=(parts.ablation,),
        ),
        _scoring(
            ABLATION,
            "score the three ways: Tables 1 to 3",
            parts.ablation / "ablation",
            lambda: _rows_of(evaluate_ablation(ablation_request(order, sources))),
            (DATA, MAPS, CLIP),
            size.draws,
        ),
        Stage(
            ADD_CLIP,
            "put the paper's CLIP model into the bundle",
            (parts.bundle,),
            lambda: _finish_bundle(order),
            needs=(TUNE, CLIP),
        ),
        _scoring(
            RETRIEVAL,
            "score the bundle's search: Tables 1 and 2",
            parts.tables / "retrieval",
            lambda: _rows_of(evaluate_retrieval(_clip_request(order, sources))),
            (DATA, MAPS, ADD_CLIP),
            size.draws,
        ),
        _scoring(
            CLASSIFICATION,
            "score the bundle's classification: Table 3",
            parts.tables / "classification",
            lambda: _rows_of(evaluate_classification(_clip_request(order, sources))),
            (DATA, MAPS, ADD_CLIP),
            size.draws,
        ),
        _scoring(
            TABLE_4,
            "score the classifier of noised radiographs: Table 4",
            parts.tables / "classifier",
            lambda: _score_classifier(order, sources),
            (DATA, ADD_CLIP),
            size.draws,
        ),
        Stage(
            FIGURE_2,
            "draw Figure 2 of test radiographs",
            (parts.figures,),
            lambda: draw_figures(order, draw),
            needs=(DATA, ADD_CLIP),
        ),
        Stage(
            RESULTS,
            "write the page with our tables beside the paper's",
            (parts.results, parts.results.with_suffix(".html")),
            lambda: write_results(order),
            needs=(
                *(DATA, CLIP, ABLATION, ADD_CLIP, RETRIEVAL),
                *(CLASSIFICATION, TABLE_4, FIGURE_2),
            ),
        ),
    ]


def ablation_request(order: Order, sources: tuple[str, ...]) -> AblationRequest:
    """Return the three ways of the paper's tables, on the whole training split."""
    parts, size = order.parts, order.size
    learnt_from = select(read_manifest(parts.manifest), splits=["train"], sources=sources)
    loop = size.clip_loop
    return AblationRequest(
        manifest=parts.manifest,
        maps=parts.maps,
        folder=parts.ablation,
        bundle=parts.drawing,
        seeds=order.clip_seeds,
        steps=loop.steps,
        budget_minutes=loop.budget_minutes,
        preset=order.preset,
        size=len(learnt_from),
        num_steps=size.map_steps,
        templates=size.templates,
        draws=size.draws,
        sources=sources,
        batch_size=size.clip_batch,
        text_labels=order.text_labels,
        weights=order.weights,
        cache=parts.cache,
    )


def _trained(order: Order) -> list[Path]:
    runs = order.parts.ablation / RUNS_FOLDER
    return [
        runs / f"{row.slug}-{seed}" / name
        for seed in order.clip_seeds
        for row in ABLATION_ROWS
        for name in (RUN_FILE, WEIGHTS)
    ]


def _scoring(
    name: str,
    says: str,
    table: Path,
    make: Callable[[], Mapping[str, Any]],
    needs: tuple[str, ...],
    draws: int,
) -> Stage:
    """Return a stage that leaves a table behind, in several formats, from draws of the patients."""
    outputs = tuple(table.with_suffix(f".{suffix}") for suffix in SUFFIXES)
    return Stage(name, says, outputs, make, {"draws": draws}, needs)


def _train_clip(order: Order, sources: tuple[str, ...]) -> Mapping[str, Any]:
    subset = train_all(ablation_request(order, sources))
    return {"radiographs": subset.by_source}


def _finish_bundle(order: Order) -> Mapping[str, Any]:
    parts = order.parts
    partial = copy_bundle(parts.drawing, parts.bundle)
    row, seed = DAUG_HYBRID, order.clip_seeds[0]
    bundle = add_clip(partial, parts.ablation / RUNS_FOLDER / f"{row.slug}-{seed}")
    write_card(partial)
    partial.rename(parts.bundle)
    return {"digest": bundle.digest, "clip_seed": seed}


def _clip_request(order: Order, sources: tuple[str, ...]) -> ClipEvaluationRequest:
    parts = order.parts
    return ClipEvaluationRequest(
        manifest=parts.manifest,
        output=parts.tables,
        bundle=parts.bundle,
        maps=parts.maps,
        sources=sources,
        draws=order.size.draws,
        cache=parts.cache,
    )


def _score_classifier(order: Order, sources: tuple[str, ...]) -> Mapping[str, Any]:
    parts = order.parts
    evaluation = evaluate_classifier(
        parts.bundle,
        parts.manifest,
        "test",
        parts.tables,
        sources=sources,
        draws=order.size.draws,
        cache=parts.cache,
    )
    return {"rows": len(evaluation.rows)}


def _rows_of(document: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"rows": len(document["rows"]), "images": document["images"]}
