"""How reports judge organs, and what that says of findings: "heart size is normal"."""

from collections.abc import Mapping
from dataclasses import dataclass

from daug.case import FindingState
from daug.findings import Finding

PRESENT, ABSENT, UNCERTAIN = FindingState.PRESENT, FindingState.ABSENT, FindingState.UNCERTAIN


@dataclass(frozen=True, eq=False)
class Organ:
    """What a report calls normal, enlarged or clear, and what that says of a finding."""

    finding: Finding
    meanings: Mapping[str, FindingState]  # by the name of the verdict
    reach: int = 12  # words from it to a verdict behind it
    joined: bool = False  # an organ only where another follows: "cardiac and mediastinal contours"


_SIZE = {
    "normal": ABSENT,
    "enlarged": PRESENT,
    "borderline": UNCERTAIN,
    "prominent": UNCERTAIN,
    "stable": UNCERTAIN,  # of a size that nobody states
}
ORGANS: tuple[tuple[str, Organ], ...] = (
    (
        """
        heart size|silhouette|shadow|contour+?
        size of the heart
        cardiac size|silhouette|silhouettes|shadow|contour+|outline
        cardiothoracic ratio
        """,
        Organ(Finding.CARDIOMEGALY, _SIZE),
    ),
    ("cardiac", Organ(Finding.CARDIOMEGALY, _SIZE, joined=True)),
    (
        """
        mediastinum|cardiomediastinum
        superior|upper mediastinum
        mediastinal|cardiomediastinal silhouette+|contour+|shadow+|structure+|outline+|size|width
        mediastinal|cardiomediastinal and|/ hilar? silhouette+|contour+|structure+|shadow+
        hilar and mediastinal contour+|structure+
        cardio mediastinal silhouette+|contour+
        """,
        Organ(Finding.ENLARGED_CARDIOMEDIASTINUM, _SIZE),
    ),
    (
        """
        lungs
        both lungs|lung field+?
        lung field+|parenchyma
        lungs fields
        """,
        Organ(Finding.LUNG_OPACITY, {"clear": ABSENT, "normal": ABSENT}),
    ),
    (
        """
        costophrenic|cp angle+|sulcus|sulci|recesses?
        pleural space+|surfaces|sulci
        pleura
        """,
        Organ(
            Finding.PLEURAL_EFFUSION,
            {"clear": ABSENT, "sharp": ABSENT, "normal": ABSENT, "blunted": UNCERTAIN},
        ),
    ),
    (
        "central? pulmonary|central|lung vasculature|vascularity|vessels|vessel",
        Organ(Finding.EDEMA, {"enlarged": UNCERTAIN, "prominent": UNCERTAIN}),
    ),
    (
        """
        bones|ribs|skeleton
        osseous|bony|skeletal structure+|thorax|thoracic|element+|anatomy
        bony skeletal? thorax
        """,
        Organ(Finding.FRACTURE, {"intact": ABSENT, "normal": ABSENT}),
    ),
    (
        """
        chest x|xray|radiograph|film ray?
        chest
        """,
        Organ(Finding.NO_FINDING, {"normal": PRESENT}, reach=3),
    ),
)

VERDICTS: Mapping[str, str] = {
    "normal": """
        normal|unremarkable
        within normal limit+|range
        within the? limit+ of? normal
        within limits
        wnl
    """,
    "enlarged": "enlarged|large|increased|dilated|widened|wide|big|megaly|generous",
    "borderline": """
        borderline|upper|top enlarged|normal|large|enlargement|prominent?
        borderline|upper in? size
        borderline
        upper limit+ of? normal
        upper limit+
        top|high normal
        upper range of normal
        normal to mildly? enlarged
    """,
    "prominent": "prominent|accentuated|congested|engorged|indistinct",
    "stable": "stable|unchanged|similar",
    "clear": "clear",
    "intact": "intact",
    "sharp": "sharp",
    "blunted": "blunted|obscured|obliterated|blunting",
}
