"""What becomes of one line of a table when its report is labelled."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from daug.errors import ManifestError
from daug.findings import Finding
from trainers.labeller.labeller import Labels
from trainers.labeller.rules import ABSENT, PRESENT
from trainers.made_labels import ASSUMED_COLUMN, MEASURED_COLUMN, PAINTED_COLUMN, TEXT_COLUMN

COLUMNS = (*(finding.value for finding in Finding), TEXT_COLUMN)
NORMAL, DEVICES = Finding.NO_FINDING, Finding.SUPPORT_DEVICES


@dataclass(frozen=True)
class LabelledRow:
    """A line with its labels."""

    line: Mapping[str, str]
    outcome: str  # what is counted
    given: Labels = field(default_factory=dict)  # written by this reading
    contradicted: int = 0  # labels that were left out, since the table says otherwise


def labelled_row(
    line: Mapping[str, str], column: str, labels: Labels, *, fill_blanks: bool
) -> LabelledRow:
    """Return a line with the labels of its report.

    Without a report a line stays as it is, and so does one with a painted finding, whose report
    tells of the picture before. Else the labels replace all that stand there, or fill blanks only.
    A blank is not filled with what contradicts the table: No Finding beside a finding.

    Args:
        line: As it stands in the table.
        column: Where its report is.
        labels: What the report says.
        fill_blanks: Keep the labels that are there.

    Raises:
        ManifestError: If the line has more cells than the table has columns.
    """
    if None in line:
        raise ManifestError(
            f"The line of {line.get('id') or 'an unnamed row'} has more cells than the table has "
            "columns. Put reports with commas between quotes."
        )
    if not (line.get(column) or "").strip():
        return LabelledRow(line, "without a report")
    if line.get(PAINTED_COLUMN):
        return LabelledRow(line, "painted, left as they are")
    own = {f for f in Finding if (line.get(f.value) or "").strip()} if fill_blanks else set()
    fitting = _fitting(line, labels) if fill_blanks else labels
    given = {finding: label for finding, label in fitting.items() if finding not in own}
    changed = dict(line)
    changed |= {finding.value: "" for finding in Finding if finding not in own}
    changed |= {finding.value: str(label) for finding, label in given.items()}
    changed[TEXT_COLUMN] = "|".join(given)
    for made in (MEASURED_COLUMN, ASSUMED_COLUMN):
        if line.get(made):
            changed[made] = "|".join(n for n in line[made].split("|") if n.strip() in own)
    return LabelledRow(changed, "read", given, len(labels) - len(fitting))


def _fitting(line: Mapping[str, str], labels: Labels) -> Labels:
    """Leave out what would stand beside its contrary."""
    own = {f: (line.get(f.value) or "").strip().removesuffix(".0") for f in Finding}
    found = any(own[f] in {"1", "-1"} for f in Finding if f not in {NORMAL, DEVICES})
    if own[NORMAL] == "1":
        return {f: label for f, label in labels.items() if label == ABSENT or f is DEVICES}
    if found and labels.get(NORMAL) == PRESENT:
        return {f: label for f, label in labels.items() if f is not NORMAL}
    return labels
