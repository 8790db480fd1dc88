"""A CLIP training from a manifest: channels, towers, texts, and `run.json` at the end."""

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from daug.augmented import ChannelKind, ChannelPlan
from daug.bundle import file_digest, read_bundle
from daug.clip import Clip, ClipConfig
from daug.clip_files import write_tokenizer
from daug.errors import TrainingError
from daug.prompts import class_prompts
from daug.towers import Tokenizer, known_model_cfg, load_weights, pretrained_file, pretrained_look
from trainers.clip import ClipCases, ClipProblem, ClipSettings
from trainers.clip_labels import UnknownPolicy
from trainers.clip_presets import ClipPreset, find_clip_preset
from trainers.heat_array import heat_array
from trainers.heat_run import channel_plan, heat_key
from trainers.loop import Training
from trainers.made_labels import TEXT_COLUMN
from trainers.manifest import Row, read_manifest, select
from trainers.pixels import Images, load_images
from trainers.processes import join_processes
from trainers.report_text import DEFAULT_SECTIONS
from trainers.runs import HELD_OUT_SPLIT, RUN_FILE, RunRequest
from trainers.sources import MayTrain, allowed_sources
from trainers.text_labels import count_text_labels, taught_by

logger = logging.getLogger(__name__)

OPEN_CLIP_CONTEXT = 77  # of its text towers, unless their configuration says otherwise


@dataclass(frozen=True)
class ClipRequest(RunRequest):
    """What somebody asks a CLIP training to be."""

    channels: ChannelKind = ChannelKind.PLAIN
    bundle: Path | None = None  # whose maps the channels hold
    maps: Path | None = None  # folder that `daug augment` filled
    num_steps: int | None = None  # of the maps, if not the bundle's own
    model: str = ""  # open_clip's name or a local folder, in place of the preset's
    weights: str = ""  # open_clip's name or a local file, in place of the preset's
    unknown: UnknownPolicy = UnknownPolicy.IGNORE
    templates: bool = True
    sections: tuple[str, ...] = DEFAULT_SECTIONS
    weight: float | None = None  # w of the hybrid loss, in place of the preset's
    scaled: bool = True
    heat_dropout: float = 0.0  # share of the radiographs that are shown without their maps
    ids: frozenset[str] = frozenset()  # of the split, those learnt from; empty: all
    cache: Path | None = None  # of pixels and heat, shared by several runs; the run's own if none
    batch_size: int | None = None  # of one process, in place of the preset's


def train_clip(request: ClipRequest) -> dict[str, Any]:
    """Train a CLIP model and return what `run.json` says of it.

    Raises:
        TrainingError: If channels with maps are asked for without a bundle and its maps.
        BundleError: If towers or weights cannot be had.
        ManifestError: If the manifest cannot be trained on.
    """
    preset = find_clip_preset(request.preset)
    join_processes()
    torch.manual_seed(request.seed)  # of the first weights; whatever follows has its own
    plan, bundle_size = _plan(request)
    clip, tokenizer = build_clip(request, preset, plan)
    cases, held_out, left_out = _cases(request, plan, bundle_size, preset.image_size)
    names = tuple(sorted({row.source for row in cases.rows}))
    settings = ClipSettings(
        sources=names,
        weight=preset.weight if request.weight is None else request.weight,
        unknown=request.unknown,
        templates=request.templates,
        sections=request.sections,
    )
    problem = ClipProblem(clip, tokenizer, cases, held_out, settings)
    if request.init is not None:
        problem.start_from(request.init)
    batch_size = request.batch_size or preset.loop.batch_size
    loop = replace(preset.loop, seed=request.seed, batch_size=batch_size)
    if request.steps is not None or request.budget_minutes is not None:
        loop = replace(loop, steps=request.steps, budget_minutes=request.budget_minutes)
    training = Training(problem, loop, request.folder)
    training.run(resume=request.resume)
    training.accelerator.end_training()
    return _describe(request, training, problem, left_out)


def build_clip(
    request: ClipRequest, preset: ClipPreset, plan: ChannelPlan
) -> tuple[Clip, Tokenizer]:
    """Return the model with its first weights, pretrained where the preset or request says so.

    Raises:
        BundleError: If towers or weights cannot be had.
    """
    model, weights = request.model or preset.model, request.weights or preset.weights
    if request.model and not request.weights:
        weights = ""  # those of the preset belong to its own model
    model_cfg = dict(preset.model_cfg)
    look: dict[str, Any] = {}
    if model:
        model_cfg = known_model_cfg(model, preset.image_size)
        quick_gelu, mean, std = pretrained_look(model, weights)
        model_cfg["quick_gelu"] = quick_gelu or model_cfg.get("quick_gelu", False)
        look = {"mean": mean, "std": std}
    config = ClipConfig(
        model_cfg,
        plan,
        class_prompts(),
        scaled=request.scaled,
        model=model or f"daug {request.preset}",
        weights=Path(weights).name,
        heat_dropout=request.heat_dropout,
        **look,
    )
    clip = Clip(replace(config, plan=ChannelPlan()))
    if model and (weights or Path(model).is_dir()):
        load_weights(clip.towers, pretrained_file(model, weights))
    clip = widened(clip, config)
    text = model_cfg["text_cfg"]
    merges = write_tokenizer(int(text.get("vocab_size", 49408)), request.folder / "tokenizer")
    return clip, Tokenizer(merges, int(text.get("context_length", OPEN_CLIP_CONTEXT)))


def widened(clip: Clip, config: ClipConfig) -> Clip:
    """Return a model with the channels of a configuration that says what a plain one says."""
    wide = Clip(config)
    state = clip.towers.state_dict()
    for name, value in wide.towers.state_dict().items():
        if value.shape != state[name].shape:  # the first convolution alone
            more = torch.zeros_like(value)
            more[:, : state[name].shape[1]] = state[name]
            state[name] = more
    wide.towers.load_state_dict(state)
    return wide


def _plan(request: ClipRequest) -> tuple[ChannelPlan, int]:
    if request.channels is ChannelKind.PLAIN:
        return ChannelPlan(), 0
    if request.bundle is None or request.maps is None:
        raise TrainingError(
            f"Channels {request.channels.value!r} hold heatmaps. Name the bundle that draws them "
            "(--bundle) and the folder that `daug augment` filled (--maps)."
        )
    bundle = read_bundle(request.bundle)
    return channel_plan(bundle, request.channels, request.num_steps), bundle.image_size


def _cases(
    request: ClipRequest, plan: ChannelPlan, bundle_size: int, size: int
) -> tuple[ClipCases, ClipCases, dict[str, int]]:
    rows = taught_by(read_manifest(request.manifest), text_labels=request.text_labels)
    sources = request.sources or allowed_sources((r.source for r in rows), MayTrain.RECOGNISE)
    cache = request.cache or request.folder / "cache"

    def load(split: str) -> tuple[ClipCases, dict[str, int]]:
        chosen = select(rows, splits=[split], sources=sources)
        if split == request.split:
            chosen = only_ids(chosen, request.ids)
        images = load_images(chosen, size, cache)
        return _with_heat(images, plan, bundle_size, request.maps, size, cache), images.left_out

    cases, left_out = load(request.split)
    logger.info("%d radiographs of %s", len(cases.rows), _by_source(cases.rows))
    return cases, load(HELD_OUT_SPLIT)[0], left_out


def only_ids(rows: Sequence[Row], ids: frozenset[str]) -> list[Row]:
    """Return the rows of some ids; all of them if none is named.

    Raises:
        TrainingError: If an id is not among them.
    """
    lost = ids - {row.id for row in rows}
    if lost:
        raise TrainingError(
            f"{len(lost)} of {len(ids)} radiographs to learn from are not in the chosen split and "
            f"sources, for instance {min(lost)}. Choose the manifest that the ids were taken from."
        )
    return [row for row in rows if not ids or row.id in ids]


def ids_digest(ids: frozenset[str]) -> str:
    """Return SHA-256 of some ids in alphabetical order, one a line."""
    return hashlib.sha256("".join(f"{name}\n" for name in sorted(ids)).encode()).hexdigest()


def _with_heat(
    images: Images, plan: ChannelPlan, bundle_size: int, maps: Path | None, size: int, cache: Path
) -> ClipCases:
    heat = heat_array(images.rows, plan, heat_key(plan, bundle_size), maps or Path(), size, cache)
    return ClipCases(images.rows, images.pixels, heat)


def _by_source(rows: Sequence[Row]) -> dict[str, int]:
    return dict(sorted(Counter(row.source for row in rows).items()))


def _describe(
    request: ClipRequest, training: Training, problem: ClipProblem, left_out: dict[str, int]
) -> dict[str, Any]:
    config = problem.clip.config
    texts = Counter(text.origin.value for text in problem.real)
    values = {
        "kind": problem.name,
        "preset": request.preset,
        "model": config.model,
        "weights": config.weights,
        "channels": config.plan.to_dict(),
        "heat_dropout": config.heat_dropout,
        "manifest": {"file": request.manifest.name, "sha256": file_digest(request.manifest)},
        "split": request.split,
        "text_labels": request.text_labels,
        TEXT_COLUMN: count_text_labels(problem.cases.rows),
        "subset": {"ids": len(request.ids), "sha256": ids_digest(request.ids)}
        if request.ids
        else None,
        "radiographs": _by_source(problem.cases.rows),
        "left_out": left_out,
        "texts": {"real": texts["real"], "templates": problem.settings.templates},
        "counts": {name: asdict(counts) for name, counts in problem.counts.items()},
        "images_seen": training.progress.images,
        "steps": training.progress.step,
        "minutes": round(training.progress.elapsed / 60, 1),
        "loop": asdict(training.settings),
        "settings": asdict(problem.settings),
    }
    if training.accelerator.is_main_process:
        text = json.dumps(values, indent=2)
        (request.folder / RUN_FILE).write_text(text + "\n", encoding="utf-8")
    return values
