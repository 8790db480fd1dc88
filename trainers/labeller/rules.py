"""The labeller that goes by rules: what `daug.finding_phrases` reads, brought to one label each.

Of what a report says of one finding, present goes before uncertain, and that before absent
(Irvin et al. 2019, "CheXpert", arXiv:1901.07031). No Finding is not read but concluded:

    1      the report speaks of findings or calls the chest normal, and of all findings but
           Support Devices none is present or uncertain, nor is another abnormality named
    0      a finding other than Support Devices is present, or another abnormality is named
    blank  a finding is uncertain and nothing is present, or the report says nothing of findings

The CheXpert labeler gives 1 to a text that names nothing at all, and never 0; here a text that
says nothing gets no label.
"""

from collections.abc import Sequence

from daug.case import LABEL_OF_STATE, FindingState
from daug.finding_phrases import Reading, read_report
from daug.findings import Finding
from daug.phrases.vocabulary import Vocabulary, vocabulary
from trainers.labeller.labeller import Labels

STRENGTH = {FindingState.ABSENT: 0, FindingState.UNCERTAIN: 1, FindingState.PRESENT: 2}
PRESENT, ABSENT, UNCERTAIN = (
    LABEL_OF_STATE[state]
    for state in (FindingState.PRESENT, FindingState.ABSENT, FindingState.UNCERTAIN)
)
WORD_OF_LABEL = {label: state.value for state, label in LABEL_OF_STATE.items()}


class RuleLabeller:
    """Words, cues and their reach; nothing is learnt."""

    name = "rules"

    def __init__(self, words: Vocabulary | None = None) -> None:
        """Read by a vocabulary; by the shipped one if none is given."""
        self._words = words or vocabulary()

    def label(self, reports: Sequence[str]) -> list[Labels]:
        """Return the labels of each report, in their order."""
        return [labels_of(read_report(report, self._words)) for report in reports]


def labels_of(reading: Reading) -> dict[Finding, int]:
    """Return one label for each finding that a report speaks of, in the findings' order."""
    believed: dict[Finding, FindingState] = {}
    for phrase in reading.phrases:
        known = believed.get(phrase.finding, phrase.state)
        believed[phrase.finding] = max(known, phrase.state, key=STRENGTH.__getitem__)
    labels = {finding: LABEL_OF_STATE[state] for finding, state in believed.items()}
    said = bool(labels)
    labels.pop(Finding.NO_FINDING, None)
    told = {label for finding, label in labels.items() if finding is not Finding.SUPPORT_DEVICES}
    if PRESENT in told or reading.other_abnormality:
        labels[Finding.NO_FINDING] = ABSENT
    elif said and UNCERTAIN not in told:
        labels[Finding.NO_FINDING] = PRESENT
    return {finding: labels[finding] for finding in Finding if finding in labels}
