"""The check of a picture before any map of it is drawn, with the models of a bundle.

    checker = open_input_checker(models)        None where the bundle has no limits
    checker.check_input(radiograph)             an InputCheck: ok, or why not and what to do

It costs one pass of the denoiser and two of the classifier; twice that where the picture seems
turned, since it is then tried the right way round.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from daug.bundled_models import Models
from daug.errors import BundleError
from daug.input_check import INPUT_CHECK_FOLDER, POSITIONS, InputCheck, InputLimits, Sign
from daug.input_reasons import LATERAL, reason_for
from daug.input_signs import InputReference, input_scores
from daug.radiograph import Radiograph
from daug.view import View


@dataclass(frozen=True, eq=False)
class InputChecker:
    """Says whether a radiograph is one that the models of a bundle can be asked about."""

    models: Models  # on the CPU: one picture is quick there
    reference: InputReference
    limits: InputLimits

    def check_input(self, radiograph: Radiograph) -> InputCheck:
        """Return whether a radiograph is in place, with the reasons if it is not."""
        scores = self.scores(radiograph)
        reasons = tuple(self._reasons(radiograph, scores))
        return InputCheck(
            ok=not reasons,
            reasons=reasons,
            reconstruction_error=scores[Sign.RECONSTRUCTION],
            embedding_distance=scores[Sign.DISTANCE],
        )

    def scores(self, radiograph: Radiograph) -> dict[Sign, float]:
        """Return the score of every sign."""
        pixels = radiograph.model_input(self.models.bundle.image_size).pixels
        return input_scores(self.models, self.reference, torch.from_numpy(pixels)[None, None])[0]

    def _reasons(self, radiograph: Radiograph, scores: Mapping[Sign, float]) -> Iterator[str]:
        if radiograph.view is View.LATERAL:
            yield LATERAL
        beyond = self.limits.beyond(scores)
        position = max(set(beyond) & set(POSITIONS), key=lambda sign: scores[sign], default=None)
        if position is not None and self._is_chest(put_right(radiograph, position)):
            yield reason_for(position, scores[position], self.limits)
            return
        strange = [sign for sign in beyond if sign not in POSITIONS]
        for sign in strange or beyond:  # a photograph is not told that it looks turned
            yield reason_for(sign, scores[sign], self.limits)

    def _is_chest(self, radiograph: Radiograph) -> bool:
        return set(self.limits.beyond(self.scores(radiograph))) <= set(POSITIONS)


def put_right(radiograph: Radiograph, position: Sign) -> Radiograph:
    """Return a radiograph with what is wrong with its position undone."""
    undo: dict[Sign, Callable[[NDArray[np.float32]], NDArray[np.float32]]] = {
        Sign.INVERTED: np.negative,
        Sign.UPSIDE_DOWN: partial(np.rot90, k=2),
        Sign.TURNED_LEFT: partial(np.rot90, k=-1),
        Sign.TURNED_RIGHT: np.rot90,
        Sign.MIRRORED: np.fliplr,
    }
    return replace(radiograph, pixels=np.ascontiguousarray(undo[position](radiograph.pixels)))


def open_input_checker(models: Models) -> InputChecker | None:
    """Return a bundle's input check, or None if it was never calibrated.

    Args:
        models: The bundle's networks; `load_models` has verified its files.

    Raises:
        BundleError: If its files cannot be read, or were made for other models.
    """
    bundle = models.bundle
    if not any(name.startswith(f"{INPUT_CHECK_FOLDER}/") for name in bundle.files):
        return None
    folder = bundle.folder / INPUT_CHECK_FOLDER
    limits = InputLimits.read(folder)
    if limits.bundle_digest != bundle.digest:
        raise BundleError(
            f"{bundle.name}: the input check was calibrated on models "
            f"{limits.bundle_digest[:12]}, but these are {bundle.digest[:12]}. Calibrate it again "
            "with `daug bundle calibrate-input`."
        )
    return InputChecker(models, InputReference.load(folder), limits)
