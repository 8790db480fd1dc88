"""What a set of models is, can do, was trained on, and how well it was measured: `bundle.json`.

Nothing here loads a network, so that screens and the library can read a bundle without torch.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from daug.errors import BundleError, UntrainedError
from daug.findings import Activation, Direction, Finding, SuperClass, match_super_class
from daug.heatmap import Encoder, Recipe, Reference

BUNDLE_FILE = "bundle.json"
FORMAT = 1
INSIDE = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)*")  # a relative path that stays in its folder
MIN_EXAMPLES = 20  # known positives and negatives in training, below which nothing is offered
MIN_TEST_POSITIVES = 20  # below this a score says little: "n too small"


@dataclass(frozen=True)
class Estimate:
    """A measured figure with its 95 % bootstrap interval; n cases."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class TrainingCounts:
    """How many training radiographs a super-class was learnt from."""

    positives: int
    negatives: int
    positives_by_finding: Mapping[str, int]


@dataclass(frozen=True)
class ClassMetrics:
    """How well the classifier knows a super-class on held-out radiographs at t = 0."""

    source: str  # the data set, since scores across data sets measure their looks
    positives: int
    negatives: int
    average_precision: Estimate
    auroc: Estimate

    @property
    def enough(self) -> bool:
        """Whether there were enough radiographs with the class, and without, to say anything."""
        return min(self.positives, self.negatives) >= MIN_TEST_POSITIVES


@dataclass(frozen=True)
class ClassCard:
    """One super-class of a bundle."""

    name: str
    findings: tuple[Finding, ...]
    training: TrainingCounts
    operating_point: float | None = None  # sigmoid score that best parts validation cases
    metrics: tuple[ClassMetrics, ...] = ()  # one for each source, the most telling first

    @property
    def super_class(self) -> SuperClass:
        """The super-class that this is the card of."""
        return SuperClass(self.name, self.findings)

    @property
    def offered(self) -> bool:
        """Whether there were enough examples to learn anything from."""
        return min(self.training.positives, self.training.negatives) >= MIN_EXAMPLES

    @property
    def best_measured_auroc(self) -> float:
        """AUROC of the most telling source, 0.5 where none had enough positives."""
        measured = [m.auroc.value for m in self.metrics if m.enough]
        return measured[0] if measured else 0.5


@dataclass(frozen=True)
class RecipeDefaults:
    """What a recipe is unless somebody asks for something else."""

    noise_level: int
    scale: float
    num_steps: int
    encoder: Encoder = Encoder.GAUSSIAN
    reference: Reference = Reference.CONTROL
    seeds: tuple[int, ...] = (0,)
    scheduler: str = "DDIM"


@dataclass(frozen=True)
class HeatScale:
    """The one scale that all maps of a bundle are drawn on, in pixel intensity (full range 2)."""

    mark: float  # nothing is drawn below
    full_at: float  # full colour from here on

    def __post_init__(self) -> None:
        if not 0 <= self.mark < self.full_at <= 2:
            raise BundleError(
                f"The heat scale must rise from mark to full_at within 0..2, got {self.mark} "
                f"to {self.full_at}."
            )


@dataclass(frozen=True)
class DataSource:
    """A data set that trained a model of the bundle, with what its licence asks to be said."""

    name: str
    licence: str
    attribution: str
    images: Mapping[str, int]  # model -> training radiographs


@dataclass(frozen=True)
class Bundle:
    """A folder of models, described; see DESIGN for its layout."""

    folder: Path
    name: str
    version: str
    image_size: int
    classes: tuple[ClassCard, ...]  # in the order of the classifier's logits
    recipe: RecipeDefaults
    heat_scale: HeatScale
    data: tuple[DataSource, ...]
    measured: Mapping[str, Any]  # movement of scores, likeness, speed, each with n
    training: Mapping[str, Any]  # how each model was trained
    files: Mapping[str, str] = field(default_factory=dict)  # relative path -> SHA-256

    @property
    def digest(self) -> str:
        """SHA-256 of everything here that can change a picture: weights and classes."""
        parts = {
            "files": dict(sorted(self.files.items())),
            "image_size": self.image_size,
            "classes": [[c.name, list(c.findings), c.offered] for c in self.classes],
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    @property
    def offered(self) -> tuple[ClassCard, ...]:
        """The super-classes that had enough examples, in the order of the logits."""
        return tuple(card for card in self.classes if card.offered)

    def card(self, word: str) -> ClassCard:
        """Return the offered super-class that a person means.

        Raises:
            RecipeError: If none or more than one is meant.
            UntrainedError: If it had too few examples in training.
        """
        meant = match_super_class(word, [card.super_class for card in self.classes])
        card = next(card for card in self.classes if card.name == meant.name)
        if not card.offered:
            counts = card.training
            raise UntrainedError(
                f"{card.name}: no training examples ({counts.positives} with it and "
                f"{counts.negatives} without, {MIN_EXAMPLES} of each are needed), so {self.name} "
                f"draws no map of it. Choose one of {', '.join(c.name for c in self.offered)}."
            )
        return card

    def recipe_for(
        self,
        super_class: str,
        direction: Direction = Direction.MORE,
        activation: Activation = Activation.SOFTMAX,
        **changes: Any,
    ) -> Recipe:
        """Return this bundle's own recipe for a super-class, with some fields changed.

        Raises:
            RecipeError: If the super-class is not offered or a change is out of range.
        """
        values = {**self.recipe.__dict__, **changes}
        return Recipe(self.card(super_class).name, direction, activation, **values)

    def verify_files(self) -> None:
        """Compare every file with its digest.

        Raises:
            BundleError: If a file is missing, changed, or not in the table; it names the file.
        """
        for name, expected in self.files.items():
            path = self.folder / name
            if not path.is_file():
                raise BundleError(f"{self.name}: {name} is missing. Copy the whole bundle again.")
            found = file_digest(path)
            if found != expected:
                raise BundleError(
                    f"{self.name}: {name} is not the file that was shipped (SHA-256 {found[:12]}, "
                    f"expected {expected[:12]}). Copy the whole bundle again."
                )


def file_digest(path: Path) -> str:
    """Return a file's SHA-256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_bundle(folder: Path) -> Bundle:
    """Return the bundle that a folder holds, without loading a model.

    Raises:
        BundleError: If there is no `bundle.json`, or it cannot be understood.
    """
    path = folder / BUNDLE_FILE
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BundleError(
            f"{folder} holds no {BUNDLE_FILE}. Name a folder that `daug bundle build` made."
        ) from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise BundleError(f"{path}: is not JSON ({error}).") from error
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        raise BundleError(f"{path}: is not a bundle of format {FORMAT}.")
    try:
        return _bundle(folder, values)
    except (KeyError, TypeError, ValueError) as error:
        raise BundleError(f"{path}: cannot be understood ({error!r}).") from error


def write_bundle(bundle: Bundle, files: Iterable[str]) -> Bundle:
    """Write `bundle.json` with the digests of the files named, and return the bundle with them.

    Raises:
        BundleError: If a figure is not a finite number.
    """
    digests = {name: file_digest(bundle.folder / name) for name in sorted(files)}
    whole = Bundle(**{**bundle.__dict__, "files": digests})
    values = {"format": FORMAT, "digest": whole.digest, **asdict(whole)}
    del values["folder"]
    try:
        text = json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False)
    except ValueError as error:
        raise BundleError(
            f"{bundle.name}: a figure to be written is no number, as an interval over one patient "
            "is. Measure on more radiographs."
        ) from error
    partial = bundle.folder / f"{BUNDLE_FILE}.partial"
    partial.write_text(text + "\n", encoding="utf-8")
    partial.replace(bundle.folder / BUNDLE_FILE)  # never half a description
    return whole


def _bundle(folder: Path, values: Mapping[str, Any]) -> Bundle:
    defaults = values["recipe"]
    bundle = Bundle(
        folder=folder,
        name=values["name"],
        version=values["version"],
        image_size=int(values["image_size"]),
        classes=tuple(_class_card(card) for card in values["classes"]),
        recipe=RecipeDefaults(
            **{
                **defaults,
                "encoder": Encoder(defaults["encoder"]),
                "reference": Reference(defaults["reference"]),
                "seeds": tuple(defaults["seeds"]),
            }
        ),
        heat_scale=HeatScale(**values["heat_scale"]),
        data=tuple(DataSource(**source) for source in values["data"]),
        measured=values["measured"],
        training=values["training"],
        files=values["files"],
    )
    unsafe = [
        name for name in bundle.files if not re.fullmatch(r"[\w-][\w.-]*(/[\w-][\w.-]*)*", name)
    ]
    if unsafe:
        raise BundleError(f"{folder.name}: {unsafe[0]!r} is not a path inside the bundle.")
    return bundle


def _class_card(values: Mapping[str, Any]) -> ClassCard:
    return ClassCard(
        name=values["name"],
        findings=tuple(Finding(finding) for finding in values["findings"]),
        training=TrainingCounts(**values["training"]),
        operating_point=values["operating_point"],
        metrics=tuple(
            ClassMetrics(
                **{
                    **metrics,
                    "average_precision": Estimate(**metrics["average_precision"]),
                    "auroc": Estimate(**metrics["auroc"]),
                }
            )
            for metrics in values["metrics"]
        ),
    )
