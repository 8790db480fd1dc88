"""What the input check compares with, learnt from training radiographs."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from daug.bundled_models import Models
from daug.input_check import POSITIONS
from daug.input_signs import InputReference, picture_layout
from trainers.calibration.wrong_inputs import Bytes, misplaced
from trainers.pixels import to_model_range

AT_ONCE = 32
DIMENSIONS = 64  # of the plane; with 16 to 128 nearly as many photographs are told apart
STRENGTH = 0.03  # inverse of the L2 penalty on the reading of standardised features
MAX_ITERATIONS = 150  # of the reading; it need not converge to be good


def fit_reference(models: Models, pixels: Bytes) -> InputReference:
    """Return the reference of some training radiographs.

    Args:
        models: Whose features.
        pixels: Sound radiographs on the model's square, (N, S, S).
    """
    upright = layouts_of(models, pixels)
    plane = PCA(min(DIMENSIONS, len(upright) // 2), svd_solver="full").fit(upright)
    off = upright - plane.inverse_transform(plane.transform(upright))
    moved = misplaced(pixels)
    weights, bias = _read_positions(
        [upright, *(layouts_of(models, moved[sign]) for sign in POSITIONS)]
    )
    return InputReference(
        mean=_tensor(plane.mean_),
        axes=_tensor(plane.components_),
        usual_distance=_tensor(np.sqrt((off**2).sum(axis=1).mean(keepdims=True))),
        weights=_tensor(weights),
        bias=_tensor(bias),
    )


def layouts_of(models: Models, pixels: Bytes) -> NDArray[np.float32]:
    """Return the layouts of pictures, (N, G)."""
    parts = [picture_layout(models, images) for images in batches(pixels)]
    return np.asarray(torch.cat(parts).numpy())


def batches(pixels: Bytes) -> Iterator[Tensor]:
    """Yield pictures as the models see them, (B, 1, S, S), a few at a time."""
    for start in range(0, len(pixels), AT_ONCE):
        yield to_model_range(pixels[start : start + AT_ONCE])


def _read_positions(
    layouts: list[NDArray[np.float32]],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return weights and bias that tell positions apart by raw layouts, one row for each."""
    features = np.concatenate(layouts)
    mean, deviation = features.mean(axis=0), features.std(axis=0) + 1e-6
    positions = np.repeat(np.arange(len(layouts)), [len(layout) for layout in layouts])
    reading = LogisticRegression(C=STRENGTH, max_iter=MAX_ITERATIONS)
    reading.fit((features - mean) / deviation, positions)
    weights = reading.coef_ / deviation
    return weights, reading.intercept_ - weights @ mean


def _tensor(values: NDArray[np.floating]) -> Tensor:
    return torch.from_numpy(np.asarray(values, dtype=np.float32))
