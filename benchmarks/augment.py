"""`daug bench augment`: how many heatmaps a second, and what fewer steps cost in likeness."""

import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer

ONE_AT_A_TIME = "one at a time"
IN_BATCHES = "in batches"


def bench_augment(
    ctx: typer.Context,
    manifest: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Radiographs.")],
    bundle: Annotated[Path | None, typer.Option(help="Bundle; the shipped one if none.")] = None,
    split: Annotated[str, typer.Option(help="Split to draw from; all if none.")] = "val",
    images: Annotated[int, typer.Option(min=2, help="Radiographs, spread over the split.")] = 16,
    steps: Annotated[str, typer.Option(help="Numbers of steps beside the bundle's own.")] = "10,5",
    batch: Annotated[int, typer.Option(min=1, help="Radiographs drawn at once.")] = 8,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Time the drawing of + No Finding maps, and compare those of fewer steps with the whole."""
    try:
        fewer = tuple(int(word) for word in steps.split(",") if word.strip())
    except ValueError as error:
        raise typer.BadParameter("--steps are whole numbers, separated by commas.") from error
    folder = bundle or ctx.obj.bundled_models
    result = time_augment(manifest, folder, split, images, fewer, batch)
    if as_json:
        typer.echo(json.dumps(result, indent=2))
        return
    for row in result["results"]:
        typer.echo(
            f"{row['what']}, {row['num_steps']} steps: {row['images_per_second']:.2f} images/s "
            f"({row['images_per_cpu_second']:.2f} in a second of one core); correlation with the "
            f"whole {row['agreement']['median']:.3f} (lowest {row['agreement']['min']:.3f})."
        )


def time_augment(
    manifest: Path, bundle: Path, split: str, images: int, fewer: tuple[int, ...], batch: int
) -> dict[str, Any]:
    """Return one row for each way of drawing; the first is the bundle's own recipe, in batches.

    `agreement` is the correlation of each radiograph's map with that of the bundle's own number of
    steps; `strength` the spread of the changes beside it.
    """
    import numpy as np
    import torch

    from daug.augmented import ChannelKind
    from daug.bundle import read_bundle
    from daug.bundled_models import load_models
    from daug.loading import load_radiograph
    from trainers.heat_drawing import HeatDrawer
    from trainers.heat_run import channel_plan
    from trainers.manifest import read_manifest, select

    described = read_bundle(bundle)
    models = load_models(described)
    rows = select(read_manifest(manifest), splits=[split] if split else [])
    rows = rows[:: max(1, len(rows) // images)][:images]
    size = described.image_size
    pixels = np.stack([load_radiograph(row.image).model_input(size).pixels for row in rows])
    x_0 = torch.from_numpy(pixels)[:, None]
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    own = described.recipe.num_steps
    ways = [(IN_BATCHES, own, batch), (ONE_AT_A_TIME, own, 1)]
    ways += [(IN_BATCHES, number, batch) for number in fewer]
    whole = None
    results = []
    for what, number, at_once in ways:
        plan = channel_plan(described, ChannelKind.PAPER, number)
        drawer = HeatDrawer(models, plan.maps, device)
        wall, processor = time.perf_counter(), time.process_time()
        drawn = torch.cat([drawer.draw(part) for part in x_0.split(at_once)])[:, 0].numpy()
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
        whole = drawn if whole is None else whole
        alike = [
            float(np.corrcoef(a.ravel(), b.ravel())[0, 1])
            for a, b in zip(drawn, whole, strict=True)
        ]
        results.append(
            {
                "what": what,
                "num_steps": number,
                "scale": plan.maps[0].scale,
                "images_per_second": len(rows) / wall,
                "images_per_cpu_second": len(rows) / processor,
                "agreement": {"median": float(np.median(alike)), "min": min(alike), "n": len(rows)},
                "strength": float(drawn.std() / whole.std()),
            }
        )
    return {
        "results": results,
        "bundle": {"name": described.name, "digest": described.digest},
        "images": len(rows),
        "device": str(device),
        "threads": torch.get_num_threads(),
    }
