"""What was found in a manifest, as a JSON document."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from daug.findings import Finding
from trainers.manifest_check.alike import CALLED_NEAR
from trainers.manifest_check.checking import Checked
from trainers.manifest_check.counts import Counts


def document(checked: Checked) -> dict[str, Any]:
    """Return everything that was found; radiographs are named by their ids."""
    rows, read = checked.rows, checked.text_derived
    return {
        "manifest": str(checked.manifest),
        "rows": len(rows),
        "repeated_rows": checked.entries.repeated,
        "faulty_lines": list(checked.entries.faults),
        "missing": [
            {"id": row.id, "image": str(row.image)} for row, _ in checked.unseen(missing=True)
        ],
        "unreadable": [
            {"id": row.id, "image": str(row.image), "reason": reason}
            for row, reason in checked.unseen(missing=False)
        ],
        "duplicates": [[rows[place].id for place in group] for group in checked.identical],
        "near_duplicates": [
            {
                "ids": [rows[pair.first].id, rows[pair.second].id],
                "splits": [rows[pair.first].split, rows[pair.second].split],
                "same_patient": rows[pair.first].patient == rows[pair.second].patient,
                "bits": pair.bits,
            }
            for pair in checked.near
        ],
        "near_duplicates_bits": CALLED_NEAR,  # of 256, at most
        "leaks": [asdict(leak) for leak in checked.leaks],
        "overlaps": [asdict(overlap) for overlap in checked.overlaps],
        "findings": _by_place(
            checked, lambda of: {finding.value: of.of(finding) for finding in Finding}
        ),
        "text_derived": {f.value: read[f] for f in Finding if f in read},
        "laterals": checked.laterals,
        "views": _by_place(checked, lambda of: dict(of.views.most_common())),
        "radiographs": _by_place(checked, lambda of: of.rows),
        "patients": _by_place(checked, lambda of: len(of.patients)),
    }


def _by_place(checked: Checked, value: Callable[[Counts], Any]) -> dict[str, dict[str, Any]]:
    """Return a value by data set and, within it, by split."""
    table: dict[str, dict[str, Any]] = {}
    for (dataset, split), counts in checked.counts.items():
        table.setdefault(dataset, {})[split] = value(counts)
    return table
