"""`daug bench panel`: eight maps by the engine against eight maps in the plain way of the paper.

The plain way is that of the paper's ancestor (Wolleb et al. 2022), in this bundle's networks: one
map at a time, 500 DDIM steps up and 500 guided steps down, batch 1, float32. Only some of its
steps are run, since each costs the same; the rest is multiplied out, and the output says so.
"""

import json
import os
import platform
import resource
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from daug.findings import Activation, Direction

if TYPE_CHECKING:
    import torch

    from daug.bundle import Bundle
    from daug.engine import Engine
    from daug.heatmap import Recipe
    from daug.radiograph import Radiograph

NOISE_LEVEL = 500  # noising steps, of both ways
PLAIN_STEPS = 500  # each way, one map
MAPS = 8


def bench_panel(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="A radiograph.", exists=True, dir_okay=False)],
    bundle: Annotated[Path | None, typer.Option(help="Bundle; the shipped one if none.")] = None,
    plain_steps: Annotated[
        int, typer.Option(min=2, max=PLAIN_STEPS, help="Steps of the plain way to run and time.")
    ] = 10,
    repeats: Annotated[
        int, typer.Option(min=1, help="Warm panels to time; the median counts.")
    ] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Time a warm panel of eight maps against the plain way, in one run."""
    result = time_panel(file, bundle or ctx.obj.bundled_models, plain_steps, repeats)
    if as_json:
        typer.echo(json.dumps(result, indent=2))
        return
    typer.echo(
        f"{result['maps']} maps: {result['engine_seconds']:.2f} s here, "
        f"{result['paper_seconds']:.0f} s in the plain way, {result['ratio']:.0f} times as fast; "
        f"agreement {result['agreement']:.2f}."
    )


def time_panel(file: Path, bundle: Path, plain_steps: int, repeats: int) -> dict[str, Any]:
    """Return both times, their ratio, how alike the maps are, and what the machine did.

    `agreement` is the correlation of the engine's first map with the same map from a walk of
    100 float32 steps, between which and 500 nothing visible changes.
    """
    import numpy as np
    import torch

    from daug.bundle_source import open_bundle
    from daug.bundled_models import load_models
    from daug.engine import Engine
    from daug.loading import load_radiograph
    from daug.workstation import finish
    from trainers.throughput import convolution_peak

    described = open_bundle(bundle)
    models, radiograph = load_models(described), load_radiograph(file)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    engine, exact = Engine(models, device), Engine(models, device, fast=False)
    recipes = _recipes(described)
    seconds = []
    for _ in range(repeats + 1):  # the first warms up
        start = time.perf_counter()
        maps = finish(engine.draw_heatmaps(radiograph, recipes))
        seconds.append(time.perf_counter() - start)
    engine_seconds = float(np.median(seconds[1:]))
    up, down = _plain_seconds(exact, radiograph, recipes[0], plain_steps)
    paper_seconds = MAPS * PLAIN_STEPS * (up + down)
    (long_map,) = finish(
        exact.draw_heatmaps(
            radiograph,
            [
                described.recipe_for(
                    recipes[0].super_class,
                    recipes[0].direction,
                    recipes[0].activation,
                    num_steps=100,
                )
            ],
        )
    )
    flop = panel_flop(engine, len(recipes))
    peak = convolution_peak(device)
    return {
        "paper_seconds": paper_seconds,
        "paper_steps_timed": plain_steps,
        "engine_seconds": engine_seconds,
        "ratio": paper_seconds / engine_seconds,
        "agreement": float(np.corrcoef(maps[0].change.ravel(), long_map.change.ravel())[0, 1]),
        "steps": described.recipe.num_steps,
        "maps": len(recipes),
        "gflop": flop / 1e9,
        "share_of_peak": flop / engine_seconds / peak,
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "machine": _machine(device),
    }


def _recipes(described: "Bundle") -> "list[Recipe]":
    """Return eight maps of this bundle: its classes in turn, + and -, softmax and sigmoid."""
    every = [
        described.recipe_for(card.name, direction, activation)
        for direction in Direction
        for card in described.offered
        for activation in Activation
    ]
    return every[:MAPS]


def _plain_seconds(
    engine: "Engine", radiograph: "Radiograph", recipe: "Recipe", steps: int
) -> tuple[float, float]:
    """Return seconds for one step up and one guided step down, batch 1, float32."""
    import torch

    from daug.guidance import Wanted, guide_eps, wanted_gradient
    from daug.sampler import ddim_step

    names = [card.name for card in engine.models.bundle.classes]
    wanted = Wanted.from_recipes([recipe], names, engine.offered).to(engine.device)
    size = engine.models.bundle.image_size
    x = torch.from_numpy(radiograph.model_input(size).pixels)[None, None].to(engine.device)
    networks, alpha_bar = engine.networks, engine.alpha_bar

    def up(x: torch.Tensor, t: int) -> torch.Tensor:
        eps = networks.eps(x, torch.tensor(t, device=x.device), alpha_bar[t])
        return ddim_step(x, eps, alpha_bar[t], alpha_bar[t + 1])

    def down(x: torch.Tensor, t: int) -> torch.Tensor:
        time_step = torch.tensor(t, device=x.device)
        eps = networks.eps(x, time_step, alpha_bar[t])
        gradient, _ = wanted_gradient(networks.noisy_logits, x, time_step, wanted)
        eps = guide_eps(eps, gradient, wanted.scale, alpha_bar[t])
        return ddim_step(x, eps, alpha_bar[t], alpha_bar[t - 1])

    seconds = []
    for way in (up, down):
        x_t = way(x, NOISE_LEVEL - 1)  # warms up
        start = time.perf_counter()
        for i in range(steps):
            x_t = way(x_t, NOISE_LEVEL - 1 - i)
        float(x_t.sum())  # waits for an accelerator
        seconds.append((time.perf_counter() - start) / steps)
    return seconds[0], seconds[1]


def panel_flop(engine: "Engine", maps: int) -> float:
    """Return the FLOP of one panel: networks forward, classifier backward."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    size, steps = engine.models.bundle.image_size, engine.models.bundle.recipe.num_steps
    image = torch.zeros(1, 1, size, size, device=engine.device)
    t = torch.tensor(0, device=engine.device)
    with FlopCounterMode(display=False) as denoiser:
        engine.networks.eps(image, t, engine.alpha_bar[0])
    with FlopCounterMode(display=False) as classifier:
        image.requires_grad_()
        engine.networks.noisy_logits(image, t).sum().backward()
    per_step = (maps + 1) * denoiser.get_total_flops() + maps * classifier.get_total_flops()
    return float(steps * per_step)


def _machine(device: "torch.device") -> dict[str, Any]:
    import torch

    name = torch.cuda.get_device_name() if device.type == "cuda" else platform.machine()
    return {"device": name, "cores": os.cpu_count(), "threads": torch.get_num_threads()}
