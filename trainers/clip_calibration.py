"""What a finding's logit means: a temperature and an operating point from the validation split.

Guo et al. 2017, "On Calibration of Modern Neural Networks", arXiv:1706.04599: one number for each
finding, which changes no ranking.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from daug.bundle import MIN_EXAMPLES, MIN_TEST_POSITIVES, TrainingCounts
from daug.finding_probability import FindingScale
from daug.findings import Finding
from trainers.class_balance import find_pools, labels_from
from trainers.clip_labels import finding_classes
from trainers.evaluation.class_metrics import operating_points
from trainers.manifest import Row

LOG_BOUNDS = (-3.0, 5.0)  # of the temperature: 0.05 to 148, where all is sure or nothing is


def calibrate(
    logits: NDArray[np.float32],
    rows: Sequence[Row],
    findings: Sequence[Finding],
    counts: Mapping[str, TrainingCounts],
) -> dict[Finding, FindingScale]:
    """Return how each finding's logit is to be read.

    Labels of sources that give them both ways count. With fewer than 20 of either the
    temperature stays 1, and `calibrated` says so.

    Args:
        logits: Of the validation radiographs, (N, F).
        rows: The same radiographs, (N,).
        findings: In the order of the logits.
        counts: Training examples of each finding.
    """
    classes = finding_classes(findings)
    labels = labels_from(find_pools(rows, classes), len(rows), len(findings))
    present, known = labels.present.numpy(), labels.known.numpy()
    enough = [
        bool(_sides(present[:, i], known[:, i]).min() >= MIN_TEST_POSITIVES)
        for i in range(len(findings))
    ]
    temperatures = [
        fit_temperature(logits[known[:, i], i], present[known[:, i], i]) if enough[i] else 1.0
        for i in range(len(findings))
    ]
    points = operating_points((logits / np.array(temperatures)).astype(np.float32), rows, classes)
    scales = {}
    for i, finding in enumerate(findings):
        absent, with_it = _sides(present[:, i], known[:, i]).tolist()
        learnt_from = counts[finding.value]
        scales[finding] = FindingScale(
            positives=with_it,
            negatives=absent,
            temperature=temperatures[i],
            operating_point=points[finding.value],
            trained=min(learnt_from.positives, learnt_from.negatives) >= MIN_EXAMPLES,
            calibrated=enough[i],
        )
    return scales


def fit_temperature(logits: NDArray[np.float32], present: NDArray[np.float32]) -> float:
    """Return the temperature at which the known labels are most likely."""
    signed = np.where(present > 0, logits, -logits).astype(np.float64)

    def surprise(log_temperature: float) -> float:
        return float(np.logaddexp(0, -signed / np.exp(log_temperature)).mean())

    return float(np.exp(minimize_scalar(surprise, bounds=LOG_BOUNDS, method="bounded").x))


def _sides(present: NDArray[np.float32], known: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return how many are known to be without, and with."""
    return np.array([(known & (present == 0)).sum(), (known & (present > 0)).sum()])
