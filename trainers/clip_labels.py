"""Which findings a CLIP model may learn from, and what becomes of labels that are not known."""

from collections.abc import Sequence
from enum import StrEnum

import torch

from daug.bundle import TrainingCounts
from daug.findings import Finding, SuperClass
from trainers.class_balance import Labels, Pool, count_training, find_pools, labels_from
from trainers.manifest import Row


class UnknownPolicy(StrEnum):
    """What an uncertain label (-1) and a finding that was not mentioned (blank) count as.

    ZEROS and ONES are the baselines of Irvin et al. 2019, "CheXpert", arXiv:1901.07031.
    """

    IGNORE = "ignore"  # both stay out of the loss
    ZEROS = "zeros"  # both are absent
    ONES = "ones"  # uncertain is present, not mentioned is absent


def finding_classes(findings: Sequence[Finding]) -> tuple[SuperClass, ...]:
    """Return each finding as a class of its own."""
    return tuple(SuperClass(finding.value, (finding,)) for finding in findings)


def finding_labels(
    rows: Sequence[Row], findings: Sequence[Finding], unknown: UnknownPolicy
) -> tuple[Labels, list[Pool]]:
    """Return what the loss may know, and the pools that batches are drawn from.

    With IGNORE a finding is learnt only from sources that label it both ways, since a source's
    look would stand in for it. The other policies take every label of every source at its word.
    """
    pools = find_pools(rows, finding_classes(findings))
    if unknown is UnknownPolicy.IGNORE:
        return labels_from(pools, len(rows), len(findings)), pools
    uncertain = 1 if unknown is UnknownPolicy.ONES else 0
    present = torch.tensor(
        [
            [{1: 1.0, -1: float(uncertain)}.get(row.labels.get(f, 0), 0.0) for f in findings]
            for row in rows
        ]
    )
    return Labels(present, torch.ones_like(present, dtype=torch.bool)), pools


def count_findings(
    pools: Sequence[Pool], rows: Sequence[Row], findings: Sequence[Finding]
) -> dict[str, TrainingCounts]:
    """Return how many known examples each finding has in training."""
    counts = count_training(pools, rows, finding_classes(findings))
    return {finding.value: count for finding, count in zip(findings, counts, strict=True)}
