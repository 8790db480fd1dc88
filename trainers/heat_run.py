"""`daug augment`: draw the heatmaps of a whole manifest into a cache, resumable and shared.

A training that looks at heatmaps reads them from here. Running it again draws only what is not
there, or no longer what it was; several processes or machines take a shard each of one manifest.
"""

import logging
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from daug.augmented import ChannelKind, ChannelPlan
from daug.bundle import Bundle, read_bundle
from daug.bundled_models import load_models
from daug.errors import ManifestError, RadiographError
from daug.findings import Activation, Direction, Finding
from daug.loading import load_radiograph
from trainers.heat_cache import HeatFileError, HeatKey, read_changes, write_changes
from trainers.heat_drawing import HeatDrawer
from trainers.manifest import Row, read_manifest, select

logger = logging.getLogger(__name__)

BATCH = {"cpu": 8, "cuda": 128}  # radiographs drawn at once
READ_AHEAD = 4  # batches whose files are looked at together
LOG_SECONDS = 20.0
FAILURES_SHOWN = 5


@dataclass(frozen=True)
class AugmentRequest:
    """What somebody asks to be drawn."""

    manifest: Path
    folder: Path
    bundle: Path
    maps: ChannelKind = ChannelKind.PAPER
    splits: tuple[str, ...] = ()  # empty: all
    sources: tuple[str, ...] = ()  # empty: all
    shard: tuple[int, int] = (1, 1)  # which of how many, from 1
    num_steps: int | None = None  # None: the bundle's own

    def __post_init__(self) -> None:
        which, of = self.shard
        if not 1 <= which <= of:
            raise ManifestError(f"A shard is i/n with i in 1..n, got {which}/{of}.")


@dataclass(frozen=True, eq=False)
class Seen:
    """A radiograph that is to be drawn."""

    digest: str
    pixels: NDArray[np.float32]  # (S, S)
    damaged: bool  # whether there is a file that cannot be used


def channel_plan(bundle: Bundle, kind: ChannelKind, num_steps: int | None = None) -> ChannelPlan:
    """Return the channels of a kind as a bundle draws them.

    "What looks abnormal here?" in each of them: + No Finding, and − for every other super-class
    that was trained, softmax-guided, with the bundle's own recipe.

    Args:
        bundle: Draws the maps.
        kind: Plain channels need no map.
        num_steps: Fewer steps than the bundle's own, to save time; kept in the recipes. The
            guidance scale shrinks with them, since each step leans once: at 10 steps of 25 and
            2/5 of the scale the maps of 8 held-out radiographs correlated at 0.99 (median) with
            the whole ones, at the whole scale at 0.96 and were 2.5 times as strong.

    Raises:
        RecipeError: If the bundle cannot draw a map.
    """
    if kind is ChannelKind.PLAIN:
        return ChannelPlan()
    names = [Finding.NO_FINDING.value]
    if kind is ChannelKind.ALL:
        names += [card.name for card in bundle.offered if card.name != names[0]]
    changes: dict[str, float] = {}
    if num_steps is not None:
        share = num_steps / bundle.recipe.num_steps
        changes = {"num_steps": num_steps, "scale": bundle.recipe.scale * share}
    recipes = tuple(
        bundle.recipe_for(
            name,
            Direction.MORE if name == Finding.NO_FINDING else Direction.LESS,
            Activation.SOFTMAX,
            **changes,
        )
        for name in names
    )
    return ChannelPlan(kind, recipes, bundle.heat_scale.full_at, bundle.digest)


def heat_key(plan: ChannelPlan, size: int) -> HeatKey:
    """Return the key of a plan's maps, which are drawn at a bundle's image size."""
    return HeatKey(plan.bundle_digest, plan.maps, size)


def augment(request: AugmentRequest) -> dict[str, Any]:
    """Draw what is missing and return what was done.

    Raises:
        ManifestError: If nothing is chosen, plain channels are asked for, or radiographs cannot
            be read; all others are drawn first.
        RecipeError: If the bundle cannot draw a map.
    """
    if request.maps is ChannelKind.PLAIN:
        raise ManifestError("Plain channels hold no maps, so there is nothing to draw.")
    bundle = read_bundle(request.bundle)
    plan = channel_plan(bundle, request.maps, request.num_steps)
    key = heat_key(plan, bundle.image_size)
    rows = _shard(request)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    drawer = HeatDrawer(load_models(bundle), plan.maps, device)
    work = _Work(request.folder, key, rows)
    for batch in _batches(work.to_draw(), BATCH[device.type]):
        pixels = torch.from_numpy(np.stack([seen.pixels for seen in batch]))[:, None]
        for seen, changes in zip(batch, drawer.draw(pixels).numpy(), strict=True):
            write_changes(request.folder, key, seen.digest, changes)
        work.drawn(batch)
    return {**work.summary(), "folder": str(request.folder), "plan": plan.to_dict()}


class _Work:
    """What is to be done, what has been, and how fast."""

    def __init__(self, folder: Path, key: HeatKey, rows: Sequence[Row]) -> None:
        self.folder, self.key, self.rows = folder, key, rows
        self.looked_at = self.kept = self.made = self.remade = 0
        self.failed: list[tuple[str, str]] = []
        self.began = self.logged = time.monotonic()

    def to_draw(self) -> Iterator[Seen]:
        """Look at every radiograph once, and hand on those that need maps."""
        done: set[str] = set()
        with ThreadPoolExecutor() as pool:
            rows = iter(self.rows)
            while some := list(islice(rows, READ_AHEAD * BATCH["cpu"])):
                for row, seen in zip(some, pool.map(self._look, some), strict=True):
                    self.looked_at += 1
                    if isinstance(seen, RadiographError):
                        self.failed.append((row.id, str(seen)))
                    elif seen is None or seen.digest in done:
                        self.kept += 1
                    else:
                        done.add(seen.digest)
                        yield seen

    def drawn(self, batch: Sequence[Seen]) -> None:
        """Count a batch, and say now and then how it goes."""
        remade = sum(seen.damaged for seen in batch)
        self.remade += remade
        self.made += len(batch) - remade
        now = time.monotonic()
        if now - self.logged >= LOG_SECONDS:
            self.logged = now
            rate = self.rate
            left = (len(self.rows) - self.looked_at) / rate
            logger.info(
                "%d of %d radiographs  %.2f images/s  %.0f min left",
                *(self.looked_at, len(self.rows), rate, left / 60),
            )

    @property
    def rate(self) -> float:
        """Radiographs drawn in a second."""
        return (self.made + self.remade) / max(1e-9, time.monotonic() - self.began)

    def summary(self) -> dict[str, Any]:
        """Return what was done.

        Raises:
            ManifestError: If radiographs could not be read.
        """
        if self.failed:
            reasons = "; ".join(reason for _, reason in self.failed[:FAILURES_SHOWN])
            raise ManifestError(
                f"{len(self.failed)} of {len(self.rows)} radiographs cannot be read: {reasons}. "
                f"The maps of all others are in {self.folder}. Mend these, or take them out of the "
                "manifest, and run it again."
            )
        return {
            "radiographs": len(self.rows),
            "made": self.made,
            "remade": self.remade,
            "kept": self.kept,
            "images_per_second": round(self.rate, 3),
            "seconds": round(time.monotonic() - self.began, 1),
        }

    def _look(self, row: Row) -> Seen | RadiographError | None:
        """Return what is to be drawn, None where it is there already."""
        try:
            radiograph = load_radiograph(row.image)
        except RadiographError as error:
            return error
        damaged = self.key.path(self.folder, radiograph.digest).exists()
        if damaged:
            try:
                read_changes(self.folder, self.key, radiograph.digest)
            except HeatFileError as error:
                logger.warning("%s", error)
            else:
                return None
        return Seen(radiograph.digest, radiograph.model_input(self.key.size).pixels, damaged)


def _shard(request: AugmentRequest) -> list[Row]:
    rows = select(read_manifest(request.manifest), splits=request.splits, sources=request.sources)
    which, of = request.shard
    chosen = rows[which - 1 :: of]
    logger.info("%d of %d radiographs in shard %d/%d", len(chosen), len(rows), which, of)
    return chosen


def _batches(seen: Iterator[Seen], size: int) -> Iterator[list[Seen]]:
    while batch := list(islice(seen, size)):
        yield batch
