import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from daug.bundle import TrainingCounts
from daug.findings import Finding
from tests.trainers.rows import row
from trainers.clip_calibration import calibrate, fit_temperature
from trainers.clip_labels import UnknownPolicy, finding_labels

FINDINGS = (Finding.PNEUMONIA, Finding.EDEMA)


def drawn(n: int, temperature: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Logits that are too large by a known factor, and what was drawn from the true chances."""
    generator = np.random.default_rng(0)
    true = generator.normal(0, 2, n)
    present = generator.random(n) < 1 / (1 + np.exp(-true))
    return (true * temperature).astype(np.float32), present.astype(np.float32)


@pytest.mark.parametrize("temperature", [0.2, 1.0, 6.0])
def test_the_temperature_that_was_put_in_is_found(temperature: float) -> None:
    logits, present = drawn(20_000, temperature)
    assert fit_temperature(logits, present) == pytest.approx(temperature, rel=0.05)


def test_findings_with_too_few_cases_are_left_as_they_are_and_say_so() -> None:
    logits, present = drawn(100, 5.0)
    rows = [
        row(f"r{i}", {Finding.PNEUMONIA: int(p), Finding.EDEMA: int(i < 6)})
        for i, p in enumerate(present)
    ]
    counts = {
        "Pneumonia": TrainingCounts(20, 300, {}),
        "Edema": TrainingCounts(19, 300, {}),
    }
    both = np.stack([logits, logits], axis=1)
    scales = calibrate(both, rows, FINDINGS, counts)
    pneumonia, edema = scales[Finding.PNEUMONIA], scales[Finding.EDEMA]
    assert (pneumonia.positives, pneumonia.negatives) == (present.sum(), 100 - present.sum())
    assert pneumonia.calibrated
    assert pneumonia.trained
    assert pneumonia.temperature == pytest.approx(5, rel=0.5)
    assert pneumonia.operating_point is not None
    assert 0.2 < pneumonia.operating_point < 0.8  # of the calibrated score, not of the raw one
    assert (edema.temperature, edema.calibrated, edema.trained) == (1.0, False, False)


def test_unknown_labels_are_ignored_absent_or_present_as_asked() -> None:
    rows = [row(f"r{i}", {Finding.PNEUMONIA: i % 2}) for i in range(20)]
    rows += [row("uncertain", {Finding.PNEUMONIA: -1}), row("blank", {})]

    def of(policy: UnknownPolicy) -> tuple[list[float], list[bool]]:
        labels, _ = finding_labels(rows, FINDINGS, policy)
        return labels.present[-2:, 0].tolist(), labels.known[-2:, 0].tolist()

    assert of(UnknownPolicy.IGNORE) == ([0, 0], [False, False])
    assert of(UnknownPolicy.ZEROS) == ([0, 0], [True, True])
    assert of(UnknownPolicy.ONES) == ([1, 0], [True, True])


def test_a_finding_that_its_source_labels_one_way_only_is_not_learnt() -> None:
    rows = [row(f"r{i}", {Finding.PNEUMONIA: i % 2, Finding.EDEMA: 1}) for i in range(20)]
    labels, _ = finding_labels(rows, FINDINGS, UnknownPolicy.IGNORE)
    assert labels.known[:, 0].all()
    assert not labels.known[:, 1].any()
    assert labels.present.dtype == torch.float32
