"""The sentence of a synthetic case: composed from its labels, and saying so itself."""

from collections.abc import Mapping

import torch

from daug.findings import Finding
from trainers.report_templates import compose

COMPOSED = "Synthetic radiograph; wording composed from its labels, not a radiologist's report."
NOTHING_SAID = "Nothing is said about findings."


def composed_report(labels: Mapping[Finding, int], seed: int) -> str:
    """Return a text that cannot be taken for a report, even where only the text is copied.

    Args:
        labels: 1 present, 0 absent; unknown is left out.
        seed: Of the wording.
    """
    said = compose(labels, torch.Generator().manual_seed(seed)).text
    return f"{COMPOSED} {said or NOTHING_SAID}"
