"""The segmenter of lungs and heart, ready to use: a measuring instrument, not a reader.

    seen = anatomist.look(radiograph.model_input(anatomist.image_size))
    seen.organs                                   masks on the model's square
    seen.on_radiograph(model_input, shape)        masks on the radiograph itself

It lies in a bundle's `anatomy/`. A bundle may lack it; measurements are then not offered.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from daug.anatomy_network import AnatomyNet, load_anatomy
from daug.bundle import ANATOMY_FOLDER, Bundle
from daug.cardiothoracic import RatioError
from daug.errors import BundleError
from daug.organs import OrganMasks
from daug.radiograph import ModelInput
from daug.seen_organs import SeenOrgans

AT_ONCE = 32  # pictures; more need more memory and are no faster


@dataclass(frozen=True, eq=False)
class Anatomist:
    """Finds lungs and heart."""

    network: AnatomyNet
    device: torch.device

    @property
    def image_size(self) -> int:
        """Side of the square that it looks at, in pixels."""
        return self.network.config.image_size

    def look(self, model_input: ModelInput) -> SeenOrgans:
        """Return what is seen of lungs and heart on the model's square."""
        return self.look_at_all(model_input.pixels[None])[0]

    def segment(self, model_input: ModelInput) -> OrganMasks:
        """Return lungs and heart on the model's square, (S, S)."""
        return self.look(model_input).organs

    @torch.inference_mode()
    def look_at_all(self, pixels: NDArray[np.float32]) -> Sequence[SeenOrgans]:
        """Return what is seen on several pictures, (N, S, S) in [-1, 1], as in ModelInput.

        Raises:
            BundleError: If they are not of this model's size.
        """
        if pixels.ndim != 3 or pixels.shape[1:] != (self.image_size, self.image_size):
            raise BundleError(
                f"The anatomy model looks at {self.image_size} x {self.image_size} pixels, got "
                f"{' x '.join(map(str, pixels.shape))}. Resize with Radiograph.model_input."
            )
        images = torch.from_numpy(np.array(pixels, dtype=np.float32))[:, None]
        parts = [self.network(part.to(self.device)).sigmoid() for part in images.split(AT_ONCE)]
        return [SeenOrgans(found) for part in parts for found in part.float().cpu().numpy()]


def open_anatomist(bundle: Bundle, device: torch.device | None = None) -> Anatomist | None:
    """Return a bundle's segmenter, or None if the bundle has none.

    Raises:
        BundleError: If a file was changed, its size is not the bundle's, or it does not run.
    """
    if bundle.finds_organs:
        bundle.verify_files()
    return anatomist_of(bundle, device)


def anatomist_of(bundle: Bundle, device: torch.device | None = None) -> Anatomist | None:
    """Return the segmenter of a bundle whose files were verified, or None if it has none.

    Raises:
        BundleError: If its size is not the bundle's, or it does not run.
    """
    if not bundle.finds_organs:
        return None
    anatomist = load_anatomist(bundle.folder / ANATOMY_FOLDER, device)
    if anatomist.image_size != bundle.image_size:
        raise BundleError(
            f"{bundle.name}: {ANATOMY_FOLDER}/ is made for {anatomist.image_size} px, but "
            f"bundle.json says {bundle.image_size} px. Add one of this size."
        )
    return anatomist


def measured_ratio_error(bundle: Bundle) -> RatioError | None:
    """Return how far the ratios of a bundle's segmenter were off; None where nobody measured.

    Raises:
        BundleError: If the figures are not as `daug bundle measure-anatomy` writes them.
    """
    try:
        measured = bundle.measured.get(ANATOMY_FOLDER, {}).get("cardiothoracic", [])
        errors = [RatioError(**scores["error"]) for scores in measured if scores["error"]]
    except (AttributeError, KeyError, TypeError) as error:
        raise BundleError(
            f"{bundle.name}: what was measured of its anatomy model cannot be understood "
            f"({error!r}). Measure it again with `daug bundle measure-anatomy`."
        ) from error
    return max(errors, key=lambda error: error.n, default=None)


def load_anatomist(folder: Path, device: torch.device | None = None) -> Anatomist:
    """Return the segmenter that a folder holds, tried once.

    Raises:
        BundleError: If it cannot be loaded, or answers with something else than numbers.
    """
    device = device or torch.device("cpu")
    network = load_anatomy(folder).to(device).eval().requires_grad_(False)
    anatomist = Anatomist(network, device)
    size = anatomist.image_size
    tried = anatomist.look_at_all(np.zeros((1, size, size), dtype=np.float32))
    if not np.isfinite(tried[0].probability).all():
        raise BundleError(
            f"{folder.name}: the anatomy model answers a first try with values that are not "
            "numbers. Copy or train it again."
        )
    return anatomist
