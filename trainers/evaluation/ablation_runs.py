"""The trainings of the ablation: what each adds, on the same radiographs, for the same steps.

Every run lies in DIR/runs/<row>-<seed> and can be stopped and gone on with; several processes
may share the work, each training what no other is training just now.
"""

import json
import logging
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from daug.augmented import ChannelKind
from daug.bundle import file_digest
from daug.errors import TrainingError
from trainers.clip_run import ClipRequest, ids_digest, train_clip
from trainers.contrastive import PAPER_WEIGHT
from trainers.evaluation.bootstrap import DRAWS
from trainers.evaluation.subset import (
    LEFT_OUT_SOURCES,
    SUBSET_SIZE,
    Subset,
    choose_subset,
    write_subset,
)
from trainers.manifest import read_manifest, select
from trainers.runs import RUN_FILE, read_run

logger = logging.getLogger(__name__)

RUNS_FOLDER = "runs"
PLAN_FILE = "plan.json"
SUBSET_FILE = "subset.csv"
TRIAL_MINUTES = 0.5  # of the timing, where the length is given in minutes
BUDGET_MINUTES = 10.0
TRAIN_SPLIT = "train"


@dataclass(frozen=True)
class AblationRow:
    """One way to train; the rows differ in nothing but what stands here."""

    slug: str
    name: str
    channels: ChannelKind
    weight: float  # w, the share of the reports in the loss; at 1 it is CLIP's


PLAIN_CLIP = AblationRow("plain-clip", "plain channels + CLIP loss", ChannelKind.PLAIN, 1.0)
DAUG_CLIP = AblationRow("daug-clip", "DAug channels + CLIP loss", ChannelKind.PAPER, 1.0)
DAUG_HYBRID = AblationRow(
    "daug-hybrid", "DAug channels + hybrid loss", ChannelKind.PAPER, PAPER_WEIGHT
)
ABLATION_ROWS = (PLAIN_CLIP, DAUG_CLIP, DAUG_HYBRID)


@dataclass(frozen=True)
class AblationRequest:
    """What somebody asks an ablation to be."""

    manifest: Path
    maps: Path  # the folder that `daug augment` filled
    folder: Path
    bundle: Path  # that drew the maps
    seeds: tuple[int, ...] = (0, 1, 2)
    steps: int | None = None  # of every run; or
    budget_minutes: float | None = None  # of a run, which decides the steps of all
    preset: str = "cpu"
    size: int = SUBSET_SIZE
    num_steps: int | None = None  # of the maps, if not the bundle's own
    templates: bool = True
    draws: int = DRAWS  # of the bootstrap
    sources: tuple[str, ...] = ()  # to learn from; all if none, but for LEFT_OUT_SOURCES
    batch_size: int | None = None  # in place of the preset's
    text_labels: bool = False  # learn from labels that were read from reports too
    weights: str = ""  # pretrained ones, in place of the preset's
    cache: Path | None = None  # of pixels and heat; the folder's own if none

    def __post_init__(self) -> None:
        if not self.seeds or len(set(self.seeds)) < len(self.seeds) or min(self.seeds) < 0:
            raise TrainingError("Name at least one seed from 0 up, and each only once.")

    @property
    def kept_in(self) -> Path:
        """Where pixels and heat are kept."""
        return self.cache or self.folder / "cache"

    def run_folder(self, row: AblationRow, seed: int) -> Path:
        """Return where one run lies."""
        return self.folder / RUNS_FOLDER / f"{row.slug}-{seed}"


def train_all(request: AblationRequest) -> Subset:
    """Train every row with every seed, as far as that is not done, and return what they learnt on.

    Raises:
        TrainingError: If the folder holds other runs than those asked for, or another process is
            still training one of them.
        ManifestError: If the manifest cannot be trained on.
    """
    subset = prepare_subset(request)
    steps = settle_steps(request, subset)
    busy = []
    for row, seed in runs_of(request):
        folder = request.run_folder(row, seed)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(folder.with_suffix(".lock"), blocking=False):
                _train(clip_request(request, row, seed, subset, steps))
        except Timeout:
            busy.append(folder.name)
    if busy:
        raise TrainingError(
            f"{', '.join(busy)}: still being trained by another process. Wait for it, and run "
            "this again."
        )
    return subset


def runs_of(request: AblationRequest) -> Iterator[tuple[AblationRow, int]]:
    """Yield what is to be trained: all rows with the first seed, then with the next."""
    for seed in request.seeds:
        for row in ABLATION_ROWS:
            yield row, seed


def prepare_subset(request: AblationRequest) -> Subset:
    """Return the radiographs that are learnt from, once they are written down.

    Raises:
        ManifestError: If the manifest has none.
    """
    rows = read_manifest(request.manifest)
    every = sorted({row.source for row in rows} - set(LEFT_OUT_SOURCES))
    sources = request.sources or every
    subset = choose_subset(select(rows, splits=[TRAIN_SPLIT], sources=sources), request.size)
    write_subset(subset, request.folder / SUBSET_FILE)
    return subset


def settle_steps(request: AblationRequest, subset: Subset) -> int:
    """Return how many steps every run takes, the same as when this was asked before.

    Minutes are turned into steps once, by a short trial of the last row, which costs most; so
    every row takes as many, on a busy machine as on an idle one.

    Raises:
        TrainingError: If the folder holds runs of another length or on other radiographs.
    """
    request.folder.mkdir(parents=True, exist_ok=True)
    plan = request.folder / PLAN_FILE
    with FileLock(request.folder / "plan.lock"):
        wanted = _wanted(request, subset)
        if plan.exists():
            earlier: dict[str, Any] = json.loads(plan.read_text(encoding="utf-8"))
            steps = int(earlier.pop("steps"))
            if {"text_labels": False, **earlier} != wanted or request.steps not in (None, steps):
                raise TrainingError(
                    f"{request.folder} holds an ablation with other settings (see {PLAN_FILE}). "
                    "Name another folder, or ask for the same."
                )
            return steps
        steps = request.steps or _steps_in(request, subset)
        text = json.dumps({**wanted, "steps": steps}, indent=2)
        plan.write_text(text + "\n", encoding="utf-8")
    return steps


def clip_request(
    request: AblationRequest, row: AblationRow, seed: int, subset: Subset, steps: int | None
) -> ClipRequest:
    """Return the training of one row with one seed."""
    with_maps = row.channels is not ChannelKind.PLAIN
    return ClipRequest(
        manifest=request.manifest,
        folder=request.run_folder(row, seed),
        preset=request.preset,
        split=TRAIN_SPLIT,
        sources=tuple(subset.by_source),
        steps=steps,
        seed=seed,
        channels=row.channels,
        bundle=request.bundle if with_maps else None,
        maps=request.maps if with_maps else None,
        num_steps=request.num_steps,
        templates=request.templates,
        weight=row.weight,
        ids=subset.ids,
        cache=request.kept_in,
        batch_size=request.batch_size,
        text_labels=request.text_labels,
        weights=request.weights,
    )


def _train(request: ClipRequest) -> None:
    if (request.folder / RUN_FILE).exists():
        _refuse_another(request)
        logger.info("%s is there already", request.folder.name)
        return
    started = any((request.folder / "checkpoints").glob("step-*"))
    logger.info("%s: %s", request.folder.name, "going on" if started else "training")
    train_clip(replace(request, resume=started))


def _refuse_another(request: ClipRequest) -> None:
    """Refuse a finished run that is not what was asked for."""
    about = read_run(request.folder, "clip")
    found = (
        *(about["channels"]["kind"], about["settings"]["weight"], about["settings"]["templates"]),
        about.get("text_labels", False),
        *(about["steps"], about["loop"]["seed"], about["manifest"]["sha256"]),
        (about["subset"] or {}).get("sha256"),
    )
    wanted = (
        *(request.channels.value, request.weight, request.templates, request.text_labels),
        *(request.steps, request.seed, file_digest(request.manifest)),
        ids_digest(request.ids),
    )
    if found != wanted:
        raise TrainingError(
            f"{request.folder} holds a finished run with other settings than this ablation's. "
            "Name another folder."
        )


def _steps_in(request: AblationRequest, subset: Subset) -> int:
    """Return how many steps of the costliest row fit into the minutes of a run."""
    minutes = request.budget_minutes or BUDGET_MINUTES
    trial = clip_request(request, DAUG_HYBRID, request.seeds[0], subset, None)
    folder = request.folder / "trial"
    share = min(TRIAL_MINUTES, minutes)
    about = train_clip(replace(trial, folder=folder, budget_minutes=share, resume=False))
    steps = max(1, int(about["steps"] * minutes / share))
    logger.info("%d steps in %g minutes, so every run takes %d", about["steps"], share, steps)
    return steps


def _wanted(request: AblationRequest, subset: Subset) -> dict[str, Any]:
    return {
        "manifest": {"file": request.manifest.name, "sha256": file_digest(request.manifest)},
        "subset": {"size": len(subset.rows), "sha256": ids_digest(subset.ids)},
        "preset": request.preset,
        "map_steps": request.num_steps,
        "templates": request.templates,
        "text_labels": request.text_labels,
        "rows": [asdict(row) for row in ABLATION_ROWS],
    }
