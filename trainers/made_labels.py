"""Labels that neither a reader nor a source gave, and the columns of a manifest that say so.

    painted       the finding that was painted onto the radiograph; blank on real ones
    measured      findings whose label was measured, names separated by |
    assumed       findings whose 0 was assumed, since the radiograph is called normal
    text_derived  findings whose label was read from the report, by a program

Such labels are for training, those from reports only where somebody asks (`trainers.text_labels`).
A radiograph with a painted finding lies in split `train` alone, so
that no score can meet it.
"""

from collections.abc import Mapping

from daug.errors import ManifestError
from daug.findings import Finding

PAINTED_COLUMN, MEASURED_COLUMN, ASSUMED_COLUMN = "painted", "measured", "assumed"
TEXT_COLUMN = "text_derived"
PAINTED_SPLIT = "train"


def painted_finding(where: str, values: Mapping[str, str]) -> Finding | None:
    """Return the finding that was painted onto a line's radiograph, if any.

    Args:
        where: What a message calls the line.
        values: The line.

    Raises:
        ManifestError: If it is no finding, or stands outside the training split.
    """
    text = (values.get(PAINTED_COLUMN) or "").strip()
    if not text:
        return None
    if values["split"] != PAINTED_SPLIT:
        raise ManifestError(
            f"{where}: {text} is painted onto this radiograph, but it is in split "
            f"{values['split']}. A painted finding must never be scored: only split "
            f"{PAINTED_SPLIT} may hold one. Remove the line."
        )
    return _finding(where, PAINTED_COLUMN, text)


def named_findings(where: str, values: Mapping[str, str], column: str) -> frozenset[Finding]:
    """Return the findings that a line names in the column `measured`, `assumed` or `text_derived`.

    Raises:
        ManifestError: If one of them is no finding.
    """
    names = (name.strip() for name in (values.get(column) or "").split("|"))
    return frozenset(_finding(where, column, name) for name in names if name)


def _finding(where: str, column: str, name: str) -> Finding:
    try:
        return Finding(name)
    except ValueError as error:
        raise ManifestError(
            f"{where}: {column} is {name!r}, which is no finding. Write names as in the header, "
            "or leave it blank."
        ) from error
