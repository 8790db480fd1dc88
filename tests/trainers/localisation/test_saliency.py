from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from daug.bundle import Bundle
from daug.bundled_models import load_models
from daug.noisy_classifier import NoisyClassifier
from daug.radiograph import AIR, ModelInput, Radiograph
from trainers.evaluation.localisation import saliency
from trainers.evaluation.localisation.kinds import SALIENCY
from trainers.evaluation.localisation.saliency import SaliencyMaps

CLASS = 3


@pytest.fixture
def classifier(tiny_bundle: Bundle) -> NoisyClassifier:
    return load_models(tiny_bundle).classifier


@pytest.fixture
def seen(radiograph: Radiograph, tiny_bundle: Bundle) -> ModelInput:
    return radiograph.model_input(tiny_bundle.image_size)


def logit(classifier: NoisyClassifier, x: Tensor) -> Tensor:
    z: Tensor = classifier(x, torch.tensor(0))
    return z[:, CLASS]


def picture(seen: ModelInput) -> Tensor:
    return torch.from_numpy(seen.pixels)[None, None]


def test_the_input_gradient_is_the_slope_of_the_logit(
    classifier: NoisyClassifier, seen: ModelInput
) -> None:
    x = picture(seen).requires_grad_()
    (slope,) = torch.autograd.grad(logit(classifier, x).sum(), x)
    drawn = SaliencyMaps(classifier, torch.device("cpu")).draw("input_gradient", seen, CLASS)
    assert np.allclose(drawn, slope.abs()[0, 0].numpy(), atol=1e-7)


def test_grad_cam_is_that_of_its_paper_on_the_last_feature_map(
    classifier: NoisyClassifier, seen: ModelInput
) -> None:
    """Selvaraju et al. 2017, eqs. 1 and 2: channels weighed by their mean slope, then ReLU."""
    h = classifier.features(picture(seen), torch.tensor(0)).detach().requires_grad_()
    pooled = torch.cat([h.mean(dim=(2, 3)), h.amax(dim=(2, 3))], dim=1)
    (slope,) = torch.autograd.grad(classifier.head(pooled)[0, CLASS], h)
    coarse = (slope.mean(dim=(2, 3), keepdim=True) * h).sum(dim=1, keepdim=True).relu()
    expected = torch.nn.functional.interpolate(coarse, picture(seen).shape[-2:], mode="bilinear")
    drawn = SaliencyMaps(classifier, torch.device("cpu")).draw("grad_cam", seen, CLASS)
    assert drawn.max() > 0
    assert np.allclose(drawn, expected[0, 0].detach().numpy(), atol=1e-6)


def test_integrated_gradients_add_up_to_what_the_radiograph_changes(
    classifier: NoisyClassifier, seen: ModelInput, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their completeness: the sum is the logit of the radiograph minus that of empty air."""
    monkeypatch.setattr(saliency, "INTEGRATION_STEPS", 400)  # random networks are less smooth
    maps = SaliencyMaps(classifier, torch.device("cpu"))
    signed = maps.methods["integrated_gradients"](picture(seen), CLASS, seen)
    air = torch.full_like(picture(seen), AIR)
    difference = (logit(classifier, picture(seen)) - logit(classifier, air)).item()
    assert signed.sum().item() == pytest.approx(difference, rel=0.02)
    drawn = maps.draw("integrated_gradients", seen, CLASS)
    assert np.allclose(drawn, signed.detach().abs()[0, 0].numpy())


def test_occlusion_tells_how_much_the_logit_hangs_on_a_place(
    classifier: NoisyClassifier, seen: ModelInput
) -> None:
    """In a corner only one window lies, so its heat is that window's effect."""
    drawn = SaliencyMaps(classifier, torch.device("cpu")).draw("occlusion", seen, CLASS)
    side = drawn.shape[0] // 8
    inside = seen.pixels[seen.top : seen.top + seen.height, seen.left : seen.left + seen.width]
    hidden = picture(seen).clone()
    hidden[..., :side, :side] = float(inside.mean())
    effect = (logit(classifier, picture(seen)) - logit(classifier, hidden)).abs().item()
    assert drawn[0, 0] == pytest.approx(effect, abs=1e-6)


@pytest.mark.parametrize("method", SALIENCY)
def test_a_map_has_no_sign_lies_on_the_square_and_hangs_on_the_class(
    method: str, classifier: NoisyClassifier, seen: ModelInput
) -> None:
    maps = SaliencyMaps(classifier, torch.device("cpu"))
    one, other = maps.draw(method, seen, 2), maps.draw(method, seen, CLASS)
    assert one.shape == seen.pixels.shape
    assert one.min() >= 0
    assert np.isfinite(one).all()
    assert not np.allclose(one, other)


def test_the_judged_classifier_stays_as_it_is(
    make_bundle: Callable[..., Bundle], seen: ModelInput
) -> None:
    classifier = load_models(make_bundle(seed=1)).classifier
    before = {name: value.clone() for name, value in classifier.state_dict().items()}
    for method in SALIENCY:
        SaliencyMaps(classifier, torch.device("cpu")).draw(method, seen, 0)
    after = classifier.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert not any(value.requires_grad for value in classifier.parameters())
