import logging
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from daug.errors import TrainingError
from daug.findings import Finding, SuperClass
from daug.noisy_classifier import ClassifierConfig, NoisyClassifier, save_classifier
from daug.schedule import linear_alpha_bar
from tests.trainers.rows import row
from trainers.augmentation import AugmentationRange
from trainers.classifier import ClassifierProblem, ClassifierSettings

SIZE = 16
CLASSES = (
    SuperClass("Pneumonia", (Finding.PNEUMONIA,)),
    SuperClass("Pleural", (Finding.PLEURAL_EFFUSION,)),
)
STILL = AugmentationRange(0, 0, 0, 0, 0, 0)


def config(**changes: object) -> ClassifierConfig:
    values: dict[str, object] = {
        "image_size": SIZE,
        "patch": 2,
        "channels": (32,),
        "attention_from": 0,
        **changes,
    }
    return ClassifierConfig(tuple(sc.name for sc in CLASSES), **values)  # type: ignore[arg-type]


def problem(settings: ClassifierSettings | None = None) -> ClassifierProblem:
    """Forty ill, forty well; effusion is labelled in none but the first."""
    rows = [row(f"r{i}", {Finding.PNEUMONIA: i % 2}) for i in range(80)]
    rows[0] = row("r0", {Finding.PNEUMONIA: 0, Finding.PLEURAL_EFFUSION: 1})
    pixels = np.random.default_rng(0).integers(1, 256, (80, SIZE, SIZE), dtype=np.uint8)
    return ClassifierProblem(
        *(rows, pixels, rows, pixels, CLASSES, config()),
        settings or ClassifierSettings(("one",), augmentation=STILL),
    )


class Constant(torch.nn.Module):
    """Says the same of every image."""

    def __init__(self, *logits: float) -> None:
        super().__init__()
        self.logits = torch.nn.Parameter(torch.tensor(logits))

    def forward(self, x_t: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return self.logits.expand(len(x_t), -1)


def test_the_loss_is_the_cross_entropy_of_the_known_labels_alone() -> None:
    model = Constant(1.5, -40.0)
    present = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    known = torch.tensor([[True, False], [True, False], [False, False]])
    images, t = torch.zeros(3, 1, SIZE, SIZE), torch.zeros(3, dtype=torch.long)
    loss = problem().loss(model, (images, t, present, known))
    p = 1 / (1 + math.exp(-1.5))
    assert float(loss.detach()) == pytest.approx((-math.log(p) - math.log(1 - p)) / 2, rel=1e-5)
    loss.backward()
    assert model.logits.grad is not None
    assert float(model.logits.grad[1]) == 0  # nothing is known of the second class


def test_a_batch_without_a_known_label_teaches_nothing() -> None:
    images, t = torch.zeros(2, 1, SIZE, SIZE), torch.zeros(2, dtype=torch.long)
    unknown = torch.zeros(2, 2)
    loss = problem().loss(Constant(1.0, 1.0), (images, t, unknown, unknown.bool()))
    assert float(loss.detach()) == 0


def test_a_label_that_its_source_gives_one_way_only_is_not_learnt() -> None:
    labels = problem().labels
    assert labels.known[:, 0].all()
    assert not labels.known[:, 1].any()


def test_images_are_noised_as_their_timestep_says_and_clean_ones_not_at_all() -> None:
    settings = ClassifierSettings(("one",), highest_t=300, clean_share=0.25, augmentation=STILL)
    x_t, t, present, known = problem(settings).draw_batch(4000, torch.Generator().manual_seed(0))
    assert x_t.shape == (4000, 1, SIZE, SIZE)
    assert present.shape == known.shape == (4000, 2)
    assert int(t.max()) < 300
    assert float((t == 0).float().mean()) == pytest.approx(0.25, abs=0.03)
    levels = (x_t[t == 0] + 1) * 127.5
    exact = (levels - levels.round()).abs().amax(dim=(1, 2, 3)) < 1e-3  # no noise was added
    assert float(exact.float().mean()) > 0.95
    late = t > 250
    expected = (
        float(linear_alpha_bar()[t[late]].mean()) / 3
        + 1
        - float(linear_alpha_bar()[t[late]].mean())
    )  # uniform pixels have a variance of 1/3
    assert float(x_t[late].var()) == pytest.approx(expected, rel=0.03)


def test_training_can_start_from_an_earlier_classifier_of_the_same_shape(tmp_path: Path) -> None:
    earlier = NoisyClassifier(config())
    save_classifier(earlier, tmp_path / "classifier")
    started = problem()
    started.start_from(tmp_path / "classifier")
    x, t = torch.randn(2, 1, SIZE, SIZE), torch.tensor(5)
    torch.testing.assert_close(started.classifier.eval()(x, t), earlier.eval()(x, t))


def test_a_classifier_of_another_shape_is_refused(tmp_path: Path) -> None:
    save_classifier(NoisyClassifier(config(channels=(64,))), tmp_path / "classifier")
    with pytest.raises(TrainingError, match="of another shape"):
        problem().start_from(tmp_path / "classifier")


def test_the_report_tells_every_level_with_n_and_leaves_a_picture(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    trained = problem()
    trained.classifier.eval()
    with caplog.at_level(logging.INFO):
        scores = trained.report(tmp_path, step=1)
    assert set(scores) == {"Pneumonia [one]"}
    lines = [line for line in caplog.messages if line.startswith("Pneumonia [one]")]
    assert [line.split(":")[0].split("=")[1] for line in lines] == [
        *("0", "100", "200", "300", "400", "500")
    ]
    assert all("40 with, 40 without" in line for line in lines)
    assert (tmp_path / "noise_levels.png").stat().st_size > 0
