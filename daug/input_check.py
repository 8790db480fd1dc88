"""Is a picture a frontal chest radiograph, the right way round, like those the models know?

The models answer whatever they are shown: they find pneumonia in a photograph. So a picture is
measured first, and where a measure lies beyond a mark the reader is told, in a sentence, what was
found and what to do. The marks come from held-out radiographs and are set so that a stated share
of sound ones is flagged; see `trainers.calibration`.

    score   how far a picture is from a sound one in one respect; larger is worse
    mark    the score beyond which that is said
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from daug.errors import BundleError

INPUT_CHECK_FOLDER = "input_check"  # in a bundle; also the name of what was measured
LIMITS_FILE = "limits.json"
FEATURES_FILE = "features.safetensors"


class Sign(StrEnum):
    """One respect in which a picture may be out of place, in the order in which they are told."""

    RECONSTRUCTION = "rebuilt badly"
    DISTANCE = "unlike anything in training"
    INVERTED = "grey levels inverted"
    UPSIDE_DOWN = "upside down"
    TURNED_LEFT = "turned to the left"  # by 90 degrees, anticlockwise
    TURNED_RIGHT = "turned to the right"
    MIRRORED = "mirrored"


POSITIONS = (  # what can be wrong with a sound radiograph; a turned one may be mirrored as well
    Sign.INVERTED,
    Sign.UPSIDE_DOWN,
    Sign.TURNED_LEFT,
    Sign.TURNED_RIGHT,
    Sign.MIRRORED,
)


@dataclass(frozen=True)
class InputCheck:
    """What the check says of one picture."""

    ok: bool
    reasons: tuple[str, ...]  # one sentence each, what to do included; empty if ok
    reconstruction_error: float  # mean absolute error of the rebuilt picture, full range 2; no air
    embedding_distance: float  # from the plane of training radiographs; about 1 is usual

    def as_json(self) -> dict[str, Any]:
        """Return what `daug heatmap --json` states."""
        return asdict(self)


@dataclass(frozen=True)
class InputLimits:
    """The marks, and what they were set on."""

    bundle_digest: str  # of the models whose answers they are about
    marks: Mapping[Sign, float]
    usual: Mapping[Sign, float]  # median score of held-out radiographs
    asked_rate: float  # share of held-out radiographs that may be flagged
    n: int  # held-out radiographs that the marks were set on
    images: Mapping[str, int]  # of these, by source

    def __post_init__(self) -> None:
        if set(self.marks) != set(Sign) or set(self.usual) != set(Sign):
            raise BundleError(
                f"The input check needs a mark and a usual value for each of {', '.join(Sign)}. "
                "Make them with `daug bundle calibrate-input`."
            )

    def beyond(self, scores: Mapping[Sign, float]) -> tuple[Sign, ...]:
        """Return the signs whose score is beyond its mark, in the order of Sign.

        A score that is not a number is beyond any mark.
        """
        return tuple(sign for sign in Sign if not scores[sign] <= self.marks[sign])

    def write(self, folder: Path) -> None:
        """Write `limits.json` into a folder."""
        text = json.dumps(asdict(self), indent=2, allow_nan=False)
        (folder / LIMITS_FILE).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> "InputLimits":
        """Return the limits that `write` wrote.

        Raises:
            BundleError: If the file is missing or cannot be understood.
        """
        path = folder / LIMITS_FILE
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            for name in ("marks", "usual"):
                values[name] = {Sign(sign): float(v) for sign, v in values[name].items()}
            return cls(**values)
        except (AttributeError, KeyError, OSError, TypeError, ValueError) as error:
            raise BundleError(
                f"{path}: the limits of the input check cannot be read ({error!r}). "
                "Make them again with `daug bundle calibrate-input`."
            ) from error
