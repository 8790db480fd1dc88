"""The printed results of Jin et al. 2024, "DAug", arXiv:2412.04828, Tables 1 to 3.

The printed tables swap the headings of their two means in some rows. The plain mean is therefore
computed here from the 14 printed figures; the other column is copied, for the rows where it can
only be the weighted one. The row "DAug (Ablation), CLIP" of Table 3 repeats, in all 14 classes,
the report -> image row of the full model in Table 1, so it is no result and is left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from daug.findings import Finding
from trainers.evaluation.finding_rows import Task

PAPER_SOURCE = "MIMIC-CXR, as printed"
PAPER_NOTE = (
    "The paper's figures (Jin et al. 2024, arXiv:2412.04828) are on MIMIC-CXR. They are not "
    "comparable with ours: other radiographs, other labels, another prevalence, other reports. "
    'Its plain means are computed from its 14 printed figures. The row "DAug (Ablation), CLIP" of '
    "its Table 3 repeats the report -> image row of Table 1 and is left out."
)


@dataclass(frozen=True)
class PaperRow:
    """One printed row."""

    model: str
    figures: tuple[float, ...]  # in the order of Finding
    weighted: float | None = None  # the other printed mean; None where it is not told

    @property
    def by_finding(self) -> Mapping[Finding, float]:
        """The figure of each finding."""
        return dict(zip(Finding, self.figures, strict=True))

    @property
    def plain(self) -> float:
        """The plain mean over the 14 findings."""
        return sum(self.figures) / len(self.figures)


def _row(model: str, figures: str, weighted: float | None = None) -> PaperRow:
    return PaperRow(model, tuple(float(word) for word in figures.split()), weighted)


FULL, ABLATED, X_TRA = "DAug", "DAug (Ablation), CLIP loss", "X-TRA CLIP"
PAPER_ROWS: Mapping[Task, tuple[PaperRow, ...]] = {
    Task.REPORT_TO_IMAGE: (
        _row(X_TRA, ".63 .62 .96 .94 .62 .69 .47 .61 .85 .69 .91 .57 .46 .82", 0.779),
        _row(ABLATED, ".77 .85 .80 .86 .60 .76 .78 .67 .79 .61 .76 .65 .75 .79"),
        _row(FULL, ".77 .86 .83 .89 .64 .79 .80 .71 .81 .64 .79 .66 .76 .79", 0.799),
    ),
    Task.IMAGE_TO_IMAGE: (
        _row(X_TRA, ".84 .62 .89 .89 .56 .91 .55 .59 .89 .60 .86 .49 .57 .84", 0.840),
        _row(ABLATED, ".71 .86 .81 .88 .49 .76 .78 .62 .81 .44 .76 .58 .69 .74"),
        _row(FULL, ".72 .86 .83 .88 .53 .78 .79 .65 .81 .47 .77 .59 .69 .74", 0.771),
    ),
    Task.CLASSIFICATION: (
        _row(
            "CLIP without augmentation", ".77 .65 .71 .67 .62 .85 .73 .61 .72 .75 .80 .59 .51 .83"
        ),
        _row(X_TRA, ".82 .78 .74 .70 .71 .82 .75 .63 .79 .78 .86 .74 .72 .91", 0.85),
        _row(FULL, ".93 .90 .90 .91 .85 .89 .89 .85 .89 .90 .90 .87 .84 .89", 0.89),
    ),
}
