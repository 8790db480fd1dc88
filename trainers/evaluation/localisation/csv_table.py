"""The localisation tables as CSV, for spreadsheets: one line for each figure."""

import csv
from collections.abc import Sequence
from pathlib import Path

from trainers.evaluation.classifier_table import spreadsheet_text
from trainers.evaluation.evaluation_document import json_estimate
from trainers.evaluation.localisation.scored import LocalisationRow

COLUMNS = ("truth", "super_class", "method", "direction", "activation", "default", "n", "enough")


def write_csv(rows: Sequence[LocalisationRow], path: Path) -> None:
    """Write one line for each figure; undefined ones are blank, and no cell is a formula."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, (*COLUMNS, "metric", "value", "low", "high"), restval="")
        writer.writeheader()
        for row in rows:
            kind = row.kind
            about = (
                *(row.truth, kind.super_class, kind.method, kind.direction or ""),
                *(kind.activation or "", int(kind.default), row.n, int(row.enough)),
            )
            line = {
                name: spreadsheet_text(str(value))
                for name, value in zip(COLUMNS, about, strict=True)
            }
            figures = {**row.figures, "iou_tuned": row.iou_tuned}
            figures |= {f"{name}_to_grad_cam": e for name, e in row.to_grad_cam.items()}
            for metric, found in figures.items():
                if found is not None:
                    values = json_estimate(found)
                    bounds = {k: values[k] for k in ("value", "low", "high")}
                    writer.writerow({**line, "metric": metric, **bounds})
