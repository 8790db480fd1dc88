"""What `daug heatmap` and `daug panel` do, apart from reading their options."""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import typer

from daug.findings import Activation, Direction
from daug.heatmap import Encoder, Preview, Reference, Region
from daug.radiograph import Radiograph
from daug.view import View
from daug.workstation import Workstation
from ui import wording
from ui.chosen_maps import default_asks, panel_recipes, parse_asks
from ui.drawing_clock import DrawingSeconds, finish_timed
from ui.figure2 import figure2_png
from ui.look import Look
from ui.map_files import map_document, write_map
from ui.map_scale import map_scale, scales_of
from ui.measured_map import checked, drawn_often, measured_document, measured_lines, stated
from ui.quiet_decoders import quiet_decoders
from ui.whole_files import check_place, make_folder, write_whole


@dataclass(frozen=True)
class Job:
    """What both commands are asked for."""

    file: Path
    frame: int | None  # which image of the file, from 1
    open_workstation: Callable[[], Workstation]
    changes: Mapping[str, Any]  # fields of the recipe that differ from the bundle's own
    opacity: float
    as_json: bool
    started: float  # perf_counter when the command began
    view: str | None = None  # PA or AP, as stated by a person
    age: float | None = None  # likewise, in years
    drawings: int = 1  # of a map, to tell how stable it is


def recipe_changes(
    noise_level: int | None,
    scale: float | None,
    steps: int | None,
    encoder: str | None,
    reference: str | None,
    seeds: tuple[int, ...] | None,
    scheduler: str | None,
    within: str | None,
    smoothing: float | None,
) -> dict[str, Any]:
    """Return the fields of a recipe that somebody asked for."""
    asked = {
        "noise_level": noise_level,
        "scale": scale,
        "num_steps": steps,
        "encoder": None if encoder is None else Encoder(encoder),
        "reference": None if reference is None else Reference(reference),
        "seeds": seeds,
        "scheduler": scheduler,
        "within": None if within is None else Region(within),
        "smoothing": smoothing,
    }
    return {name: value for name, value in asked.items() if value is not None}


def draw_heatmap(
    job: Job, super_class: str, direction: Direction, activation: Activation, folder: Path
) -> None:
    """Draw one map, write its files and tell of it.

    Raises:
        DaugError: If anything stands in the way; then no file is left behind.
    """
    make_folder(folder)
    workstation = job.open_workstation()
    bundle = workstation.bundle
    recipe = bundle.recipe_for(super_class, direction, activation, **job.changes)
    radiograph, load_seconds = _load(workstation, job)
    check = checked(workstation, radiograph)
    often = drawn_often(recipe, job.drawings) if workstation.measurer is not None else None
    progress = _progress(job.as_json)
    (heatmap,), drawn = finish_timed(workstation.draw_heatmaps(radiograph, [recipe]), progress)
    drawings = None
    if often is not None:
        (drawings,), _ = finish_timed(workstation.draw_heatmaps(radiograph, [often]), progress)
    measured = measured_document(workstation, radiograph, heatmap, drawings, check)
    scale = map_scale(workstation, radiograph, recipe)
    paths = write_map(folder, radiograph, heatmap, bundle, scale=scale, opacity=job.opacity)
    seconds = _seconds(load_seconds, drawn, perf_counter() - job.started)
    document = map_document(job.file, radiograph, heatmap, bundle, paths, seconds) | measured
    document["warnings"] = [*(check.reasons if check else ()), *document["warnings"]]
    if job.as_json:
        typer.echo(json.dumps(document, indent=2, allow_nan=False))
        return
    typer.echo(_told(document))
    for line in measured_lines(document):
        typer.echo(f"    {line}")
    typer.echo(f"Radiograph: {', '.join(wording.placement(radiograph))}.")
    typer.echo(f"Models: {wording.bundle_line(bundle)}. {wording.coverage(bundle)}")
    for warning in document["warnings"]:
        typer.echo(f"Warning: {warning}")
    for path in paths.values():
        typer.echo(f"Wrote {path}")
    typer.echo(f"{seconds['total']:.1f} s. {wording.NOTICE}")


def draw_panel(job: Job, maps: str | None, output: Path) -> None:
    """Draw Figure 2, write it and tell of it.

    Raises:
        DaugError: If anything stands in the way; then no file is left behind.
    """
    asks = None if maps is None else parse_asks(maps)
    check_place(output)
    workstation = job.open_workstation()
    bundle = workstation.bundle
    if asks is not None:  # before the radiograph is read: a wrong word is told at once
        panel_recipes(bundle, asks, **job.changes)
    radiograph, load_seconds = _load(workstation, job)
    check = checked(workstation, radiograph)
    if asks is None:
        asks = default_asks(bundle, workstation.score(radiograph))
    recipes = panel_recipes(bundle, asks, **job.changes)
    drawing = workstation.draw_heatmaps(radiograph, recipes)
    heatmaps, drawn = finish_timed(drawing, _progress(job.as_json))
    scale_of, look = scales_of(workstation, radiograph), Look(opacity=job.opacity)
    png = figure2_png(radiograph, heatmaps, bundle, look=look, scale_of=scale_of)
    write_whole({output: png})
    total = perf_counter() - job.started
    # drawn in one batch, so each map bears an equal share and the shares add up to the whole
    count = len(heatmaps)
    share = DrawingSeconds(drawn.encode / count, drawn.decode / count)
    each = _seconds(load_seconds / count, share, total / count)
    documents = [
        map_document(job.file, radiograph, heatmap, bundle, {}, each)
        | measured_document(workstation, radiograph, heatmap, None, check)
        for heatmap in heatmaps
    ]
    for document in documents:
        document["warnings"] = [*(check.reasons if check else ()), *document["warnings"]]
    if job.as_json:
        document = {
            "maps": documents,
            "seconds": _seconds(load_seconds, drawn, total),
            "peak_rss_mb": _peak_rss_mb(),
            "output": str(output),
            "notice": wording.NOTICE,
        }
        typer.echo(json.dumps(document, indent=2, allow_nan=False))
        return
    for document in documents:
        typer.echo(_told(document))
    typer.echo(wording.coverage(bundle))
    for warning in dict.fromkeys(text for document in documents for text in document["warnings"]):
        typer.echo(f"Warning: {warning}")
    typer.echo(f"Wrote {output}")
    typer.echo(f"{total:.1f} s. {wording.NOTICE}")


def _load(workstation: Workstation, job: Job) -> tuple[Radiograph, float]:
    began = perf_counter()
    with quiet_decoders():
        radiograph = workstation.load(job.file, frame=job.frame)
    return stated(
        radiograph, None if job.view is None else View(job.view), job.age
    ), perf_counter() - began


def _seconds(load: float, drawn: DrawingSeconds, total: float) -> dict[str, float]:
    return {"load": load, "encode": drawn.encode, "decode": drawn.decode, "total": total}


def _told(document: Mapping[str, Any]) -> str:
    """Return one map in a few lines for a person."""
    recipe = document["recipe"]
    name = recipe["super_class"]
    probability = document["probability"]
    moved = wording.movement(probability["before"][name], probability["after"][name])
    heat = document["heat"]
    return (
        f"{wording.title(name, Direction(recipe['direction']))}, {recipe['activation']}: "
        f"{document['question']}\n"
        f"    score {moved} ({probability['input'][name]:.2f} for the radiograph; "
        f"{wording.SCORE})\n"
        f"    heat mean {heat['mean']:.3f}, 99th percentile {heat['p99']:.3f}, "
        f"highest {heat['max']:.3f} ({wording.HEAT_UNIT})"
    )


def _progress(as_json: bool) -> Callable[[Preview], None]:
    """Return what tells of steps: a line that overwrites itself, for a person at a terminal."""
    if as_json or not sys.stderr.isatty():
        return lambda _: None

    def tell(preview: Preview) -> None:
        end = "\n" if preview.done == preview.total else ""
        typer.echo(f"\rstep {preview.done} of {preview.total}{end}", err=True, nl=False)

    return tell


def _peak_rss_mb() -> float:
    import resource  # not on every system; needed here only

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
