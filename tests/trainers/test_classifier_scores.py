import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score
from torch import Tensor

from daug.errors import EngineError
from daug.findings import Finding, SuperClass
from daug.noisy_classifier import ClassifierConfig, NoisyClassifier
from daug.schedule import linear_alpha_bar
from tests.trainers.rows import row
from trainers.evaluation.classifier_scores import (
    ALL_SOURCES,
    ScoreRow,
    known_labels,
    logits_at,
    score_rows,
)
from trainers.manifest import Row

LESION = SuperClass("Lung Lesion", (Finding.LUNG_LESION,))
PLEURAL = SuperClass("Pleural", (Finding.PLEURAL_EFFUSION, Finding.PLEURAL_OTHER))
SIZE = 16
TINY = ClassifierConfig(("mean", "variance", "t"), image_size=SIZE, patch=2, channels=(32, 32))


class Witness(NoisyClassifier):
    """Says what it is shown instead of what it believes."""

    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        flat = x_t.float().flatten(1)
        seen = [flat.mean(dim=1), flat.var(dim=1), t.float().expand(len(flat))]
        return torch.stack(seen, dim=1)


@pytest.fixture
def pixels() -> NDArray[np.uint8]:
    """More than one batch of radiographs, all different."""
    return np.random.default_rng(0).integers(0, 256, (70, SIZE, SIZE), dtype=np.uint8)


@pytest.fixture
def classifier() -> NoisyClassifier:
    torch.manual_seed(0)
    return NoisyClassifier(TINY)


def test_the_classifier_sees_x_t_of_equation_4_and_its_true_timestep() -> None:
    """White images of 1 become sqrt(alpha_bar) with variance 1 - alpha_bar; L steps are t = L-1."""
    white = np.full((70, 64, 64), 255, dtype=np.uint8)
    white[:, 0, 0] -= np.arange(70, dtype=np.uint8)  # all different, so each has its own noise
    levels = (0, 1, 100, 500, 1000)
    seen = logits_at(Witness(TINY), white, levels, seed=0).mean(axis=1)
    assert seen[:, 2].tolist() == [0, 0, 99, 499, 999]
    for (mean, variance, _), level in zip(seen, levels, strict=True):
        alpha_bar = float(linear_alpha_bar()[level - 1]) if level else 1.0
        assert mean == pytest.approx(alpha_bar**0.5, abs=0.01)
        assert variance == pytest.approx(1 - alpha_bar, abs=0.02)


def test_a_radiograph_has_the_same_noise_in_any_company(pixels: NDArray[np.uint8]) -> None:
    together = logits_at(Witness(TINY), pixels, (0, 300), seed=1)
    turned = logits_at(Witness(TINY), pixels[::-1], (0, 300), seed=1)[:, ::-1]
    alone = logits_at(Witness(TINY), pixels[66:67], (0, 300), seed=1)
    np.testing.assert_allclose(together, turned, atol=1e-6)
    np.testing.assert_allclose(together[:, 66:67], alone, atol=1e-6)


def test_noise_differs_between_radiographs_and_between_seeds(pixels: NDArray[np.uint8]) -> None:
    nearly_equal = np.stack([pixels[0], pixels[0]])
    nearly_equal[1, 0, 0] ^= 1
    one, other = logits_at(Witness(TINY), nearly_equal, (900,), seed=0)[0, :, 0]
    again = logits_at(Witness(TINY), nearly_equal, (900,), seed=1)[0, 0, 0]
    assert abs(one - other) > 1e-3
    assert abs(one - again) > 1e-3


def test_the_clean_radiograph_is_scored_in_float32_as_the_engine_scores_it(
    classifier: NoisyClassifier, pixels: NDArray[np.uint8]
) -> None:
    x_0 = torch.from_numpy(pixels[:, None]).float() / 127.5 - 1
    with torch.no_grad():
        expected = classifier.eval()(x_0, torch.tensor(0)).numpy()
    found = logits_at(classifier, pixels, (0,), seed=0)
    assert found.shape == (1, 70, 3)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[0], expected, atol=1e-5)


def test_scoring_leaves_dropout_out_and_the_classifier_as_it_was(
    classifier: NoisyClassifier, pixels: NDArray[np.uint8]
) -> None:
    classifier.train()
    first, second = (logits_at(classifier, pixels[:3], (0, 100), seed=0) for _ in range(2))
    assert (first == second).all()
    assert classifier.training


def test_a_score_that_is_no_number_is_refused(
    classifier: NoisyClassifier, pixels: NDArray[np.uint8]
) -> None:
    with torch.no_grad():
        next(classifier.head.parameters()).fill_(float("nan"))
    with pytest.raises(EngineError, match="no number"):
        logits_at(classifier, pixels[:2], (0,), seed=0)


def many_rows() -> list[Row]:
    """Source one labels lesions 30 / 50; two 10 / 40; three knows only lesions; four is silent."""
    kinds = [("one", 1, 30), ("one", 0, 50), ("two", 1, 10), ("two", 0, 40), ("three", 1, 25)]
    rows = [
        row(f"{source}{label}-{i}", {Finding.LUNG_LESION: label}, source=source)
        for source, label, count in kinds
        for i in range(count)
    ]
    unknown: list[dict[Finding, int]] = [{}, {Finding.LUNG_LESION: -1}]
    return [*rows, *(row(f"u{i}", unknown[i % 2], source="four") for i in range(9))]


def scored(
    rows: list[Row], levels: tuple[int, ...] = (0, 100), draws: int = 50
) -> tuple[list[ScoreRow], NDArray[np.float32]]:
    generator = np.random.default_rng(3)
    logits = generator.normal(size=(len(levels), len(rows), 2)).astype(np.float32)
    return score_rows(logits, rows, (LESION, PLEURAL), levels, generator, draws), logits


def test_scores_are_scikit_learns_on_the_known_radiographs_of_each_source() -> None:
    rows = many_rows()
    scores, logits = scored(rows)
    labels = known_labels(rows, LESION)
    sources = np.array([r.source for r in rows])
    assert len(scores) == 6
    for found in scores:
        chosen = ~np.isnan(labels) & ((sources == found.source) | (found.source == ALL_SOURCES))
        drawn = logits[(0, 100).index(found.t), chosen, 0]
        expected = average_precision_score(labels[chosen], drawn)
        assert found.average_precision.value == pytest.approx(expected)
        assert found.auroc.value == pytest.approx(roc_auc_score(labels[chosen], drawn))
        assert found.prevalence.value == pytest.approx(labels[chosen].mean())
        assert found.positives == labels[chosen].sum()
        assert found.positives + found.negatives == found.auroc.n == chosen.sum()
        assert found.auroc.low < found.auroc.value < found.auroc.high


def test_within_source_rows_come_first_and_the_most_telling_source_before_others() -> None:
    scores, _ = scored(many_rows())
    assert [(r.source, r.t) for r in scores] == [
        *(("one", 0), ("one", 100), ("two", 0), ("two", 100)),
        *((ALL_SOURCES, 0), (ALL_SOURCES, 100)),
    ]
    assert [r.measures_source_look for r in scores] == [False] * 4 + [True] * 2


def test_a_class_that_nobody_labels_and_a_source_that_labels_one_way_get_no_row() -> None:
    scores, _ = scored(many_rows())
    assert {r.super_class for r in scores} == {"Lung Lesion"}
    assert "three" not in {r.source for r in scores}
    assert "four" not in {r.source for r in scores}


@pytest.mark.parametrize(
    ("positives", "negatives", "enough"), [(20, 20, True), (19, 200, False), (200, 19, False)]
)
def test_fewer_than_twenty_of_either_side_are_not_enough(
    positives: int, negatives: int, enough: bool
) -> None:
    rows = [
        row(str(i), {Finding.LUNG_LESION: int(i < positives)}) for i in range(positives + negatives)
    ]
    scores, _ = scored(rows, levels=(0,), draws=2)
    assert [r.enough for r in scores] == [enough, enough]


def test_images_of_one_patient_are_drawn_together() -> None:
    """Twenty images each of two patients: half the draws lack one of them, so no interval."""
    rows = [
        row(f"{i}", {Finding.LUNG_LESION: i % 2}, patient="even" if i % 2 else "odd")
        for i in range(40)
    ]
    scores, _ = scored(rows, levels=(0,))
    assert np.isnan(scores[0].auroc.low)


def test_a_super_class_of_two_findings_is_known_from_either() -> None:
    rows = [
        row("a", {Finding.PLEURAL_EFFUSION: 0, Finding.PLEURAL_OTHER: 1}),
        row("b", {Finding.PLEURAL_EFFUSION: 0}),
        row("c", {Finding.PLEURAL_EFFUSION: 0, Finding.PLEURAL_OTHER: -1}),
        row("d", {Finding.LUNG_LESION: 1}),
    ]
    np.testing.assert_array_equal(known_labels(rows, PLEURAL), [1, 0, np.nan, np.nan])
