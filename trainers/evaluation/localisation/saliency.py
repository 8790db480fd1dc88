"""What others would draw of the same classifier: saliency maps at t = 0, by Captum.

Each explains the logit of one class on the radiograph as it is; the classifier's guidance is not
asked. Where a method gives a sign, its heat is the absolute value, as for our own maps: a map is
to say where something matters, whichever way. No map is smoothed.

Selvaraju et al. 2017, "Grad-CAM"; Sundararajan et al. 2017, "Axiomatic Attribution for Deep
Networks"; Zeiler & Fergus 2014, "Visualizing and Understanding Convolutional Networks"; Simonyan
et al. 2014, "Deep Inside Convolutional Networks". Kokhlikyan et al. 2020, "Captum".
"""

import warnings
from collections.abc import Callable

import numpy as np
import torch
from captum.attr import IntegratedGradients, LayerAttribution, LayerGradCam, Occlusion, Saliency
from numpy.typing import NDArray
from torch import Tensor, nn

from daug.noisy_classifier import NoisyClassifier
from daug.radiograph import AIR, ModelInput
from trainers.evaluation.localisation.area import area_of

INTEGRATION_STEPS = 32
AT_ONCE = 16  # pictures in one pass
WINDOWS_ACROSS = 8  # an occluding window is an eighth of the square and moves by half of itself


class _AtZero(NoisyClassifier):
    """The classifier as a function of the picture alone, with a layer for hooks at its end."""

    def __init__(self, classifier: NoisyClassifier) -> None:
        super().__init__(classifier.config)
        self.last = nn.Identity()
        self.load_state_dict(classifier.state_dict())
        self.eval()

    def features(self, x_t: Tensor, t: Tensor) -> Tensor:
        """Return the last feature map, seen by whoever listens to `last`."""
        h: Tensor = self.last(super().features(x_t, t))
        return h

    def forward(self, x_t: Tensor, t: Tensor | None = None) -> Tensor:
        """Return the logits of clean radiographs, (B, C)."""
        return super().forward(x_t, torch.zeros((), device=x_t.device))


class SaliencyMaps:
    """Draws all saliency maps of one classifier."""

    def __init__(self, classifier: NoisyClassifier, device: torch.device) -> None:
        self.classifier = _AtZero(classifier).to(device)
        self.device = device
        self.methods: dict[str, Callable[[Tensor, int, ModelInput], Tensor]] = {
            "grad_cam": self._grad_cam,
            "integrated_gradients": self._integrated_gradients,
            "occlusion": self._occlusion,
            "input_gradient": self._input_gradient,
        }

    def draw(self, name: str, seen: ModelInput, class_index: int) -> NDArray[np.float32]:
        """Return one method's heat, (S, S), in units of its own.

        Args:
            name: Of the method.
            seen: What the model sees of the radiograph.
            class_index: Whose logit is explained, in the order of the logits.
        """
        x = torch.from_numpy(seen.pixels)[None, None].to(self.device)
        with warnings.catch_warnings():
            # Captum sets requires_grad on its input and says so.
            warnings.filterwarnings("ignore", message="Input Tensor 0 did not already require")
            attribution = self.methods[name](x, class_index, seen)
        heat: NDArray[np.float32] = attribution.detach().abs()[0, 0].float().cpu().numpy()
        return heat

    def _grad_cam(self, x: Tensor, target: int, seen: ModelInput) -> Tensor:
        method = LayerGradCam(self.classifier, self.classifier.last)
        coarse = method.attribute(x, target=target, relu_attributions=True)
        found: Tensor = LayerAttribution.interpolate(coarse, x.shape[-2:], "bilinear")
        return found

    def _integrated_gradients(self, x: Tensor, target: int, seen: ModelInput) -> Tensor:
        found: Tensor = IntegratedGradients(self.classifier).attribute(
            x,
            baselines=AIR,  # the empty picture: no patient before the detector
            target=target,
            n_steps=INTEGRATION_STEPS,
            internal_batch_size=AT_ONCE,
        )
        return found

    def _occlusion(self, x: Tensor, target: int, seen: ModelInput) -> Tensor:
        side = max(1, x.shape[-1] // WINDOWS_ACROSS)
        gray = float(seen.pixels[area_of(seen)].mean())  # no edge of black where there was none
        with torch.no_grad():
            found: Tensor = Occlusion(self.classifier).attribute(
                x,
                sliding_window_shapes=(1, side, side),
                strides=(1, max(1, side // 2), max(1, side // 2)),
                baselines=gray,
                target=target,
                perturbations_per_eval=AT_ONCE,
            )
        return found

    def _input_gradient(self, x: Tensor, target: int, seen: ModelInput) -> Tensor:
        found: Tensor = Saliency(self.classifier).attribute(x, target=target, abs=True)
        return found
