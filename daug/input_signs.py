"""How far a picture is from the radiographs that a bundle's models learnt from, as numbers.

    images   pictures on the model's square, (B, 1, S, S) in [-1, 1]
    layout   the classifier's last features at t = 0, averaged in a coarse grid, (B, G)
    score    one number for each Sign, larger is worse

The distance is that of the layout from the plane in which the layouts of training radiographs
lie. The positions come from a linear reading of the layout, learnt on training radiographs that
were turned, mirrored and inverted on purpose. Tried and found worse on the bundled models:
Mahalanobis' distance and nearest neighbours of pooled features (they miss most photographs), and
the anatomy model, which finds lungs in a photograph and the heart where it usually is.

Graham et al. 2023, "Denoising diffusion models for out-of-distribution detection",
arXiv:2211.07740. Wang et al. 2022, "ViM: Out-Of-Distribution with Virtual-logit Matching",
arXiv:2203.10807, section 3, for the distance from a principal plane.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional as F

from daug.bundled_models import Models
from daug.errors import BundleError
from daug.input_check import FEATURES_FILE, POSITIONS, Sign
from daug.schedule import add_noise, x_0_from_eps

REBUILT_FROM = 400  # t: noise at which the denoiser has to know what a chest looks like
LIT = -0.9  # what is darker is air, which anybody rebuilds
MIN_LIT = 0.01  # share of the picture
GRID = 4  # cells of the layout along each side


@dataclass(frozen=True, eq=False)
class InputReference:
    """What training radiographs look like to the classifier."""

    mean: Tensor  # (G,) of the layouts
    axes: Tensor  # (K, G), orthonormal: the plane around the mean in which they lie
    usual_distance: Tensor  # (1,) root mean square distance of training layouts from the plane
    weights: Tensor  # (1 + positions, G) of the linear reading, the sound position first
    bias: Tensor  # (1 + positions,)

    def save(self, folder: Path) -> None:
        """Write `features.safetensors` into a folder, in half precision."""
        tensors = {name: value.to(torch.float16).contiguous() for name, value in vars(self).items()}
        save_file(tensors, folder / FEATURES_FILE)

    @classmethod
    def load(cls, folder: Path) -> "InputReference":
        """Return what `save` wrote, in float32.

        Raises:
            BundleError: If the file is missing, lacks a part, or holds values that are no numbers.
        """
        path = folder / FEATURES_FILE
        try:
            reference = cls(**{k: v.to(torch.float32) for k, v in load_file(path).items()})
        except (OSError, SafetensorError, TypeError) as error:
            raise BundleError(
                f"{path}: the reference of the input check cannot be read ({error}). "
                "Make it again with `daug bundle calibrate-input`."
            ) from error
        if not all(bool(value.isfinite().all()) for value in vars(reference).values()):
            raise BundleError(
                f"{path}: holds values that are not numbers. Make it again with "
                "`daug bundle calibrate-input`."
            )
        return reference

    def distance(self, layout: Tensor) -> Tensor:
        """Return how far layouts lie from the training radiographs' plane, (B,); 1 is usual."""
        off = layout - self.mean
        beside = off - off @ self.axes.T @ self.axes
        distance: Tensor = torch.linalg.vector_norm(beside, dim=1) / self.usual_distance
        return distance

    def misplacement(self, layout: Tensor) -> Tensor:
        """Return for each of POSITIONS how much more it fits than the sound one, (B, positions).

        They are log-odds, in nats.
        """
        fits = layout @ self.weights.T + self.bias
        return fits[:, 1:] - fits[:, :1]


@torch.no_grad()
def picture_layout(models: Models, images: Tensor) -> Tensor:
    """Return the layout of pictures, (B, G)."""
    features = models.classifier.features(images, torch.tensor(0))
    return F.adaptive_avg_pool2d(features, GRID).flatten(1)


@torch.no_grad()
def reconstruction_error(models: Models, images: Tensor) -> Tensor:
    """Return the mean absolute error of pictures noised and rebuilt in one step, (B,).

    It is the mean over what is not air, in pixel intensity (full range 2). The noise is always the
    same, so that a picture has one error.
    """
    noise = torch.randn(images.shape[1:], generator=torch.Generator().manual_seed(REBUILT_FROM))
    alpha_bar = models.alpha_bar[REBUILT_FROM]
    x_t = add_noise(images, noise.expand_as(images), alpha_bar)
    eps = models.denoiser.predict_eps(x_t, torch.tensor(REBUILT_FROM), alpha_bar)
    x_0 = x_0_from_eps(x_t, eps, alpha_bar).clamp(-1, 1)
    lit = (images > LIT).float()
    area = lit.sum(dim=(1, 2, 3)).clamp(min=MIN_LIT * images[0].numel())
    return ((x_0 - images).abs() * lit).sum(dim=(1, 2, 3)) / area


def input_scores(
    models: Models, reference: InputReference, images: Tensor
) -> list[dict[Sign, float]]:
    """Return the score of every sign for pictures, (B, 1, S, S)."""
    layout = picture_layout(models, images)
    positions = reference.misplacement(layout)
    # Left against right is a small difference, so the picture is compared with its own mirror
    # image: what is peculiar to the patient then cancels out.
    mirror_image = reference.misplacement(picture_layout(models, images.flip(-1)))
    mirrored = POSITIONS.index(Sign.MIRRORED)
    positions[:, mirrored] = (positions[:, mirrored] - mirror_image[:, mirrored]) / 2
    columns = [
        reconstruction_error(models, images)[:, None],
        reference.distance(layout)[:, None],
        positions,
    ]
    signs = (Sign.RECONSTRUCTION, Sign.DISTANCE, *POSITIONS)
    return [dict(zip(signs, row, strict=True)) for row in torch.cat(columns, dim=1).tolist()]
