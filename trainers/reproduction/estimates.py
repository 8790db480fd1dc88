"""`daug train all --dry-run`: what there is to do, and what it will cost on this machine."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psutil
import torch

from daug.findings import SUPER_CLASSES
from daug.heatmap import Encoder, Reference
from trainers.bundle_build import FIRST_RECIPE
from trainers.evaluation.ablation_runs import ABLATION_ROWS
from trainers.manifest import Row
from trainers.problem import LoopSettings
from trainers.reproduction.checks import check_order, missing_images
from trainers.reproduction.order import Order
from trainers.reproduction.run import stages_of
from trainers.reproduction.sizes import Size
from trainers.reproduction.space import GIB, bytes_of_stages, bytes_to_come, free_bytes
from trainers.reproduction.speed import Speed, measure_speed
from trainers.reproduction.state import State
from trainers.reproduction.timing import Pace

KINDS_OF_MAP = 4  # of each super-class: more and less, softmax and sigmoid
UNKNOWN_TIME = "minutes"  # of stages that only read, score and write
OPENINGS = ("data", "tune", "maps", "clip")  # stages that open every radiograph once


@dataclass(frozen=True)
class Cost:
    """What a stage will cost; None where it is not reckoned."""

    seconds: float | None
    disk: int  # bytes
    memory: int | None  # bytes, of the device that computes


def dry_run(order: Order) -> dict[str, Any]:
    """Return the stages with their costs, as JSON values; nothing is written.

    Raises:
        ManifestError: As in `check_order`.
        TrainingError: As in `check_order`.
        BundleError: As in `check_order`.
    """
    checked, state = check_order(order), State(order.folder)
    licences, chosen = checked.licences, checked.rows
    speed = measure_speed(order.size, chosen, clip_batch(order))
    costs = stage_costs(order, chosen, speed)
    steps = [
        {
            "stage": stage.name,
            "does": stage.says,
            "why": state.why_not_done(stage),
            "seconds": costs[stage.name].seconds,
            "disk_bytes": costs[stage.name].disk,
            "memory_bytes": costs[stage.name].memory,
        }
        for stage in stages_of(order, licences, lambda *_: None)
    ]
    memory = max(cost.memory or 0 for cost in costs.values())
    free, has = free_bytes(order.folder), _memory()
    to_come, lost = bytes_to_come(order, chosen), missing_images(order, chosen)
    warnings = [*licences.warnings, *[lost] * bool(lost)]
    warnings += _shortages(to_come, free, memory, has)
    return {
        "preset": order.preset,
        "radiographs": dict(sorted(Counter(row.split for row in chosen).items())),
        "sources": list(licences.sources),
        "device": speed.device,
        "threads": torch.get_num_threads(),
        "stages": steps,
        "seconds": sum(c.seconds or 0 for n, c in costs.items() if _to_do(steps, n)),
        "disk_bytes": sum(cost.disk for cost in costs.values()),
        "disk_to_come_bytes": to_come,
        "disk_free_bytes": free,
        "memory_bytes": memory,
        "memory_total_bytes": has,
        "warnings": warnings,
        "settings": order.settings(),
    }


def stage_costs(order: Order, rows: Sequence[Row], speed: Speed) -> dict[str, Cost]:
    """Return what every stage will cost.

    Args:
        order: What is asked for.
        rows: Radiographs that are trained on and scored.
        speed: Of this machine.
    """
    size, n = order.size, len(rows)
    disk = bytes_of_stages(order, rows)
    runs = len(ABLATION_ROWS) * len(order.clip_seeds)
    space, own_steps = size.space, FIRST_RECIPE.num_steps
    trials = len(space.noise_levels) * len(space.encoders) * len(space.scales) * size.tuned_on
    panel = len(SUPER_CLASSES) * KINDS_OF_MAP
    # A map that keeps to a site is its control outside it; the recipe search draws one always.
    control = size.reference is Reference.CONTROL or order.anatomy is not None
    seconds: dict[str, float] = {
        "diffusion": training_seconds(speed.denoiser, size.networks.diffusion_loop),
        "classifier": training_seconds(speed.classifier, size.networks.classifier_loop),
        "tune": trials * map_seconds(size, speed, space.num_steps, panel, control=True)
        + size.measured_on * map_seconds(size, speed, own_steps, panel, control=True),
        "maps": n * map_seconds(size, speed, size.map_steps or own_steps, 1, control=control),
        "clip": runs * training_seconds(speed.clip, size.clip_loop),
    }
    for stage in OPENINGS:
        seconds[stage] = seconds.get(stage, 0.0) + n * speed.opening
    memory = {
        "diffusion": speed.denoiser.memory,
        "classifier": speed.classifier.memory,
        "clip": speed.clip.memory,
    }
    names = (*disk, "retrieval", "classification", "classifier-table", "figure-2", "results")
    return {
        name: Cost(seconds.get(name), disk.get(name, 0), memory.get(name))
        for name in dict.fromkeys(names)
    }


def training_seconds(pace: Pace, loop: LoopSettings) -> float:
    """Return how long a training takes: to its last step or its last minute, what comes first."""
    by_steps = None if loop.steps is None else loop.steps * pace.seconds
    by_time = None if loop.budget_minutes is None else 60 * loop.budget_minutes
    return min(limit for limit in (by_steps, by_time) if limit is not None)


def map_seconds(size: Size, speed: Speed, steps: int, maps: int, *, control: bool) -> float:
    """Return how long some maps of one radiograph take: up, and down, beside a control or not.

    Where it is still open which encoder is chosen, DDIM's is taken, which asks the denoiser in
    every step; Gaussian noise asks it never.
    """
    up = int(Encoder.DDIM in size.space.encoders)
    return steps * ((up + maps + control) * speed.denoise + maps * speed.guide)


def clip_batch(order: Order) -> int:
    """Return how many radiographs a step of the CLIP training has."""
    return order.size.clip_batch or order.size.clip_loop.batch_size


def told(found: Mapping[str, Any]) -> str:
    """Return a dry run as lines for a person."""
    counts = ", ".join(f"{split} {n}" for split, n in found["radiographs"].items())
    lines = [f"Preset {found['preset']}, {counts} radiographs of {', '.join(found['sources'])}."]
    for step in found["stages"]:
        state = "done before" if step["why"] is None else _cost_told(step)
        lines.append(f"  {step['stage']:<17}{step['does']}: {state}")
    lines += [
        f"Time: about {duration(found['seconds'])} on this machine ({found['device']}, "
        f"{found['threads']} threads), reckoned from a few steps of each network; another program "
        "beside it makes it longer.",
        f"Disk: about {amount(found['disk_bytes'])}, {amount(found['disk_to_come_bytes'])} of them "
        f"still to come; {amount(found['disk_free_bytes'])} are free.",
        f"Memory: about {amount(found['memory_bytes'])} in training; there are "
        f"{amount(found['memory_total_bytes'])}.",
        *(f"Warning: {warning}" for warning in found["warnings"]),
        "Nothing was written.",
    ]
    return "\n".join(lines)


def duration(seconds: float) -> str:
    """Return a time in the unit that it is told in: 40 s, 12 min, 5.0 h, 3.2 days."""
    for unit, length, most in (("s", 1, 90), ("min", 60, 90), ("h", 3600, 48)):
        if seconds < most * length:
            return f"{seconds / length:.{1 if unit == 'h' else 0}f} {unit}"
    return f"{seconds / 86400:.1f} days"


def amount(count: int) -> str:
    """Return a number of bytes in the unit that it is told in: 12 MiB, 3.4 GiB."""
    return f"{count / GIB:.1f} GiB" if count >= GIB else f"{count / 2**20:.0f} MiB"


def _cost_told(step: Mapping[str, Any]) -> str:
    parts = [UNKNOWN_TIME if step["seconds"] is None else duration(step["seconds"])]
    if step["disk_bytes"]:
        parts.append(f"{amount(step['disk_bytes'])} of disk")
    if step["memory_bytes"]:
        parts.append(f"{amount(step['memory_bytes'])} of memory")
    return ", ".join(parts)


def _to_do(steps: Sequence[Mapping[str, Any]], name: str) -> bool:
    return next(step["why"] for step in steps if step["stage"] == name) is not None


def _memory() -> int:
    """Return the bytes of memory of the device that computes."""
    if torch.cuda.is_available():
        return int(torch.cuda.mem_get_info()[1])
    return int(psutil.virtual_memory().total)


def _shortages(disk: int, free: int, memory: int, has: int) -> list[str]:
    found = []
    if disk > free:
        found.append(
            f"the disk has {amount(free)} left, and about {amount(disk)} are still needed."
        )
    if memory > has:
        found.append(
            f"a training needs about {amount(memory)} of memory, and there are {amount(has)}. "
            "Choose a smaller preset."
        )
    return found
