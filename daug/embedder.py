"""Radiographs and sentences into one space, and from there to the findings.

Jin et al. 2024, "DAug", arXiv:2412.04828, section 4: a finding's score is the cosine between the
radiograph's embedding and that of the finding's prompts.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from daug.augmented import AugmentedRadiograph, ChannelPlan, channels_without_heat
from daug.bundle import Bundle
from daug.clip import Clip
from daug.clip_files import clip_digest, load_clip, prompt_tokens, read_calibration
from daug.embedding import Embedding
from daug.errors import BundleError, EmbeddingError
from daug.finding_probability import FindingProbability, FindingScale
from daug.findings import Finding
from daug.heatmap import Recipe
from daug.radiograph import Radiograph
from daug.towers import Tokenizer

CLIP_FOLDER = "clip"


class Embedder:
    """One CLIP model, on one device, in float32: embeddings are compared between machines."""

    def __init__(self, folder: Path, device: torch.device) -> None:
        """Load the model.

        Args:
            folder: What `daug.clip_files.save_clip` wrote.
            device: Where to compute.

        Raises:
            BundleError: If the model cannot be loaded, or its first answer is no unit vector.
        """
        clip, tokenizer = load_clip(folder)
        self.clip: Clip = clip.to(device).eval().requires_grad_(False)
        self.tokenizer: Tokenizer = tokenizer
        self.device = device
        self.model_digest = clip_digest(folder)
        self.scales: Mapping[Finding, FindingScale] = read_calibration(folder)
        with torch.no_grad():
            tokens = prompt_tokens(clip.config, tokenizer).to(device)
            self._classes = self.clip.encode_classes(tokens)  # (F, D)
            size = clip.config.image_size
            first = self.clip.encode_image(torch.zeros(1, self.plan.count, size, size).to(device))
        if not (self._classes.isfinite().all() and first.isfinite().all()):
            raise BundleError(f"{folder.name}: the CLIP model answers with values not numbers.")

    @property
    def plan(self) -> ChannelPlan:
        """The channels that the model looks at."""
        return self.clip.config.plan

    @property
    def recipes(self) -> tuple[Recipe, ...]:
        """The maps to draw of a radiograph before it can be embedded; none for plain channels."""
        return self.plan.maps

    @property
    def dimensions(self) -> int:
        """Length of an embedding."""
        return int(self._classes.shape[1])

    def embed(self, augmented: AugmentedRadiograph) -> Embedding:
        """Return where a radiograph lies.

        Raises:
            EmbeddingError: If a map that the model looks at was not drawn, or by another bundle.
        """
        return Embedding(_array(self._image(augmented))[0], self.model_digest)

    @property
    def digest_without_heat(self) -> str | None:
        """What marks embeddings without maps, which never mix with those that have them.

        None where the model looks at no map, or never saw a radiograph without one.
        """
        if not self.recipes or not self.clip.config.heat_dropout:
            return None
        return hashlib.sha256(f"{self.model_digest} without heat".encode()).hexdigest()

    def embed_without_heat(self, radiograph: Radiograph) -> Embedding:
        """Return where a radiograph lies if no map of it is drawn.

        Raises:
            EmbeddingError: If the model has not learnt to do without; see `digest_without_heat`.
        """
        digest = self._digest(without_heat=True)
        channels = channels_without_heat(radiograph, self.plan, self.clip.config.image_size)
        return Embedding(_array(self._encode(channels))[0], digest)

    def embed_text(self, text: str, *, without_heat: bool = False) -> Embedding:
        """Return where a sentence lies; what exceeds the text tower's context is not read.

        Args:
            text: One or more sentences.
            without_heat: To be compared with radiographs of which no map is drawn.

        Raises:
            EmbeddingError: If there is nothing to read, or the model cannot do without maps.
        """
        digest = self._digest(without_heat=without_heat)
        if not text.strip():
            raise EmbeddingError("There is no text to look for. Write a few words.")
        with torch.no_grad():
            vector = self.clip.encode_text(self.tokenizer([text]).to(self.device))
        return Embedding(_array(vector)[0], digest)

    def classify(self, augmented: AugmentedRadiograph) -> tuple[FindingProbability, ...]:
        """Return the probability of every finding, in CheXbert's order.

        Findings that had too few examples are scored by their prompts alone; `scale.trained`
        says so.

        Raises:
            EmbeddingError: As in `embed`.
        """
        with torch.no_grad():
            z = self.clip.class_logits(self._image(augmented), self._classes)[0].double().cpu()
        return tuple(
            FindingProbability(finding, float(torch.sigmoid(logit / scale.temperature)), scale)
            for finding, logit in zip(self.clip.config.findings, z, strict=True)
            for scale in [self.scales.get(finding, FindingScale())]
        )

    def _digest(self, *, without_heat: bool) -> str:
        digest = self.digest_without_heat if without_heat else self.model_digest
        if digest is None:
            raise EmbeddingError(
                "This model cannot leave its heatmaps out. Train one with --heat-dropout."
            )
        return digest

    def _image(self, augmented: AugmentedRadiograph) -> Tensor:
        return self._encode(augmented.channels(self.plan, self.clip.config.image_size))

    def _encode(self, channels: NDArray[np.float32]) -> Tensor:
        with torch.no_grad():
            return self.clip.encode_image(torch.from_numpy(channels)[None].to(self.device))


def open_embedder(bundle: Bundle, device: torch.device) -> Embedder:
    """Return the embedder of a bundle.

    Raises:
        BundleError: If the bundle has none, a file of it was changed, or it learnt from the maps
            of other networks than the bundle's.
    """
    folder = bundle.folder / CLIP_FOLDER
    if not folder.is_dir():
        raise BundleError(
            f"{bundle.name} holds no {CLIP_FOLDER}/ model, so it can neither search nor classify. "
            "Train one with `daug train clip`, or use a bundle that has one."
        )
    bundle.verify_files()
    embedder = Embedder(folder, device)
    wanted = embedder.plan.bundle_digest
    if embedder.recipes and wanted != bundle.digest:
        raise BundleError(
            f"{bundle.name}: {CLIP_FOLDER}/ learnt from the maps of models {wanted[:12]}, but "
            f"these are {bundle.digest[:12]}. Train it again on this bundle's maps."
        )
    return embedder


def _array(vectors: Tensor) -> NDArray[np.float32]:
    array: NDArray[np.float32] = vectors.float().cpu().numpy()
    return array
