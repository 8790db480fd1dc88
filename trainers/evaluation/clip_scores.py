"""What a CLIP model makes of held-out radiographs and their reports: embeddings and logits.

Computed in float32 from 8-bit pixels and maps, as in training; the vectors differ from those of
`Embedder`, which takes the pixels whole, by less than 0.001 in cosine.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from daug.augmented import ChannelPlan, stack_channels
from daug.bundle import Bundle
from daug.bundled_models import load_models
from daug.clip import Clip
from daug.clip_files import clip_digest, load_clip, prompt_tokens
from daug.errors import BundleError, ManifestError
from daug.findings import Finding
from daug.loading import load_radiograph
from daug.towers import Tokenizer
from trainers.evaluation.clip_models import ClipModel
from trainers.heat_array import heat_array, to_changes
from trainers.heat_cache import HeatFileError, HeatKey, read_changes, write_changes
from trainers.heat_drawing import HeatDrawer
from trainers.heat_run import heat_key
from trainers.manifest import Row, read_manifest, select
from trainers.pixels import large_enough, pixel_array, to_model_range
from trainers.report_text import real_text

logger = logging.getLogger(__name__)

BATCH = 64
DRAWN_AT_ONCE = 8
PIXELS_SIDE = 32  # of the radiographs whose pixels are compared as they are


@dataclass(frozen=True, eq=False)
class ScoredCases:
    """The radiographs that everything is measured on."""

    rows: tuple[Row, ...]  # in order of id, which breaks ties between equal hits
    texts: tuple[str, ...]  # findings and impression of the real report; empty where none is
    split: str
    thumbnails: int  # left out, since they are blurred at any model size

    @property
    def by_source(self) -> dict[str, int]:
        """How many radiographs are from each source."""
        return dict(sorted(Counter(row.source for row in self.rows).items()))


@dataclass(frozen=True, eq=False)
class ClipScores:
    """What one model made of the cases."""

    name: str
    images: NDArray[np.float32]  # unit vectors, (N, D)
    texts: NDArray[np.float32] | None = None  # unit vectors, (N, D); zeros where there is no report
    logits: NDArray[np.float32] | None = None  # (N, F)
    findings: tuple[Finding, ...] = ()  # in the order of the logits
    plan: ChannelPlan = field(default_factory=ChannelPlan)
    digest: str = ""
    maps_drawn: int = 0  # now, since they were not in the cache


def find_cases(manifest: Path, split: str, sources: Sequence[str] = ()) -> ScoredCases:
    """Return the radiographs of a split that can be scored.

    Raises:
        ManifestError: If there are none, or some cannot be read.
    """
    chosen = select(read_manifest(manifest), splits=[split], sources=sources)
    rows = sorted(large_enough(chosen), key=lambda row: row.id)
    if not rows:
        raise ManifestError(f"{manifest.name}: split {split} holds nothing but thumbnails.")
    texts = tuple(real_text(row.report).text for row in rows)
    return ScoredCases(tuple(rows), texts, split, len(chosen) - len(rows))


@torch.no_grad()
def score_clip(
    model: ClipModel, cases: ScoredCases, bundle: Bundle, maps: Path | None, cache: Path
) -> ClipScores:
    """Return what a model makes of the cases.

    Args:
        model: The model.
        cases: The radiographs.
        bundle: Draws the maps that are missing, if the model looks at any.
        maps: The folder that `daug augment` filled; a folder inside `cache` if none.
        cache: Folder for pixels and heat.

    Raises:
        BundleError: If the model cannot be loaded, or learnt from another bundle's maps.
        ManifestError: If a radiograph cannot be read.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    clip, tokenizer = load_clip(model.folder)
    clip.to(device).eval()
    plan, size = clip.config.plan, clip.config.image_size
    heat, drawn = _heat(cases.rows, plan, bundle, maps or cache / "maps", size, cache)
    pixels = pixel_array(cases.rows, size, cache)
    classes = clip.encode_classes(prompt_tokens(clip.config, tokenizer).to(device))
    images, logits = [], []
    for start in range(0, len(pixels), BATCH):
        part = slice(start, start + BATCH)
        radiographs = to_model_range(np.asarray(pixels[part]))[:, 0].numpy()
        seen = stack_channels(plan, radiographs, to_changes(heat[part], plan))
        embedded = clip.encode_image(torch.from_numpy(seen).to(device))
        images.append(embedded.cpu().numpy())
        logits.append(clip.class_logits(embedded, classes).float().cpu().numpy())
    return ClipScores(
        model.name,
        np.concatenate(images),
        _texts(clip, tokenizer, cases.texts, device),
        np.concatenate(logits),
        clip.config.findings,
        plan,
        clip_digest(model.folder),
        drawn,
    )


def score_pixels(cases: ScoredCases, cache: Path, side: int = PIXELS_SIDE) -> ClipScores:
    """Return the radiographs' own pixels as vectors: the baseline that has learnt nothing.

    Downscaled to a square of `side` pixels, their mean taken away and their length made 1, so that
    neither brightness nor contrast counts.

    Raises:
        ManifestError: If a radiograph cannot be read.
    """
    whole = pixel_array(cases.rows, 4 * side, cache)  # at 128 px the small CLIP model shares them
    small = np.stack(
        [
            cv2.resize(np.asarray(image), (side, side), interpolation=cv2.INTER_AREA)
            for image in whole
        ]
    ).astype(np.float32)
    flat = small.reshape(len(small), -1)
    flat -= flat.mean(axis=1, keepdims=True)
    length = np.linalg.norm(flat, axis=1, keepdims=True)
    return ClipScores(f"pixels {side} x {side}", flat / np.maximum(length, np.float32(1e-6)))


def _texts(
    clip: Clip, tokenizer: Tokenizer, texts: Sequence[str], device: torch.device
) -> NDArray[np.float32]:
    vectors = np.zeros((len(texts), int(clip.config.model_cfg["embed_dim"])), np.float32)
    reported = np.flatnonzero([bool(text) for text in texts])
    for start in range(0, len(reported), BATCH):
        part = reported[start : start + BATCH]
        tokens = tokenizer([texts[i] for i in part]).to(device)
        vectors[part] = clip.encode_text(tokens).cpu().numpy()
    return vectors


def _heat(
    rows: Sequence[Row], plan: ChannelPlan, bundle: Bundle, maps: Path, size: int, cache: Path
) -> tuple[NDArray[np.int8], int]:
    """Return the rows' maps, and how many had to be drawn for it."""
    key = heat_key(plan, bundle.image_size)
    if not plan.maps:
        return heat_array(rows, plan, key, maps, size, cache), 0
    if plan.bundle_digest != bundle.digest:
        raise BundleError(
            f"The model learnt from the maps of models {plan.bundle_digest[:12]}, but "
            f"{bundle.name} is {bundle.digest[:12]}. Name the bundle that drew them (--bundle)."
        )
    drawn = _draw_missing(rows, plan, key, bundle, maps)
    return heat_array(rows, plan, key, maps, size, cache), drawn


def _draw_missing(
    rows: Sequence[Row], plan: ChannelPlan, key: HeatKey, bundle: Bundle, maps: Path
) -> int:
    missing = list(_missing(rows, key, maps))
    if not missing:
        return 0
    logger.info("%d of %d radiographs have no maps yet; drawing them", len(missing), len(rows))
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    drawer = HeatDrawer(load_models(bundle), plan.maps, device)
    for start in range(0, len(missing), DRAWN_AT_ONCE):
        radiographs = [load_radiograph(r.image) for r in missing[start : start + DRAWN_AT_ONCE]]
        inputs = np.stack([radiograph.model_input(key.size).pixels for radiograph in radiographs])
        changes = drawer.draw(torch.from_numpy(inputs)[:, None]).numpy()
        for radiograph, change in zip(radiographs, changes, strict=True):
            write_changes(maps, key, radiograph.digest, change)
    return len(missing)


def _missing(rows: Iterable[Row], key: HeatKey, maps: Path) -> Iterable[Row]:
    for row in rows:
        try:
            read_changes(maps, key, load_radiograph(row.image).digest)
        except HeatFileError:
            yield row
