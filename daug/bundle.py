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

from daug.errors import BundleError, DaugError, UntrainedError
from daug.findings import Activation, Direction, Finding, SuperClass, match_super_class
from daug.heatmap import Encoder, Recipe, Reference, Region

BUNDLE_FILE = "bundle.json"
FORMAT = 1
INSIDE = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)*")  # a relative path that stays in its folder
PICKLES = (".bin", ".ckpt", ".pickle", ".pkl", ".pt", ".pth")  # they run code when they are read
UNLISTED = (".md", ".partial")  # cards, and files under way; no model is read from them
DRAWING_PARTS = ("unet", "scheduler", "classifier")  # folders that heatmaps are drawn from
ANATOMY_FOLDER = "anatomy"  # counts among them where the bundle's recipe stays within organs
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
    painted: int = 0  # of the positives: normal radiographs onto which the finding was painted
    measured: int = 0  # of the positives: labelled by a measurement, not by the source


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
    within: Region = Region.PICTURE
    smoothing: float = 0.0


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
        """SHA-256 of everything here that can change a heatmap: its weights and classes.

        Other models learn from the maps of these and name this digest, so they do not change it.
        """
        whole = self.recipe.within is Region.PICTURE
        folders = DRAWING_PARTS if whole else (*DRAWING_PARTS, ANATOMY_FOLDER)
        drawing = {
            name: digest
            for name, digest in sorted(self.files.items())
            if name.split("/")[0] in folders
        }
        parts = {
            "files": drawing,
            "image_size": self.image_size,
            "classes": [[c.name, list(c.findings), c.offered] for c in self.classes],
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    @property
    def finds_organs(self) -> bool:
        """Whether it can segment lungs and heart."""
        return any(name.startswith(f"{ANATOMY_FOLDER}/") for name in self.files)

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
        self._refuse_unlisted_files()
        for name, expected in self.files.items():
            path = self.folder / name
            if not path.is_file():
                raise BundleError(f"{self.name}: {name} is missing. Copy the whole bundle again.")
            try:
                found = file_digest(path)
            except OSError as error:
                raise BundleError(
                    f"{self.name}: {name} cannot be read ({error.strerror}). "
                    "Copy the whole bundle again."
                ) from error
            if found != expected:
                raise BundleError(
                    f"{self.name}: {name} is not the file that was shipped (SHA-256 {found[:12]}, "
                    f"expected {expected[:12]}). Copy the whole bundle again."
                )

    def _refuse_unlisted_files(self) -> None:
        """A file that no digest vouches for could be read in place of one that was shipped."""
        for path in sorted(self.folder.rglob("*")):
            inside = path.relative_to(self.folder)
            name = inside.as_posix()
            hidden = any(part.startswith(".") for part in inside.parts)  # git's, a hub's own
            listed = name in self.files or name == BUNDLE_FILE or path.suffix in UNLISTED
            if path.is_file() and not hidden and not listed:
                raise BundleError(
                    f"{self.name}: {name} is not listed in {BUNDLE_FILE}. Remove it from the "
                    "folder, or build the bundle again."
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
        values = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
    except OSError as error:
        raise BundleError(
            f"{folder} holds no {BUNDLE_FILE}. Name a folder that `daug bundle build` made."
        ) from error
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{path}: is not JSON ({error}). Copy the bundle again.") from error
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        raise BundleError(_wrong_format(path, values))
    try:
        bundle = _bundle(folder, values)
        _check_types(bundle)
        _check_sense(bundle)
    except DaugError as error:
        raise BundleError(f"{path}: {error}") from error
    except KeyError as error:
        raise BundleError(f"{path}: lacks {error}. Build the bundle again.") from error
    except (ArithmeticError, AttributeError, TypeError, ValueError) as error:
        raise BundleError(f"{path}: cannot be understood ({error!r}).") from error
    return bundle


def _refuse_constant(word: str) -> float:
    raise ValueError(f"{word} is no number")


def _wrong_format(path: Path, values: Any) -> str:
    found = values.get("format") if isinstance(values, dict) else None
    if isinstance(found, int) and found > FORMAT:
        return (
            f"{path}: is a bundle of format {found}, but this DAug reads format {FORMAT}. "
            "Use a newer DAug."
        )
    return f"{path}: is not a bundle of format {FORMAT}. Build the bundle again."


def _check_types(bundle: Bundle) -> None:
    """Hold every value against the type that its field states.

    Raises:
        BundleError: If a value has another type, or is not finite; it names the field.
    """
    from pydantic import ConfigDict, RootModel, ValidationError

    class Checked(RootModel[Bundle]):
        model_config = ConfigDict(strict=True, revalidate_instances="always", allow_inf_nan=False)

    try:
        Checked.model_validate(bundle)
    except ValidationError as error:
        first = error.errors()[0]
        field_name = ".".join(map(str, first["loc"]))
        raise BundleError(f"{field_name}: {first['msg']}. Build the bundle again.") from error


def _check_sense(bundle: Bundle) -> None:
    """Refuse values of the right type that nothing can be done with.

    Raises:
        DaugError: If super-classes, size or recipe make no sense.
    """
    names = [card.name for card in bundle.classes]
    if len(set(names)) < len(names) or not names or bundle.image_size < 1:
        raise BundleError(
            "needs super-classes with names that differ and an image_size of 1 or more, got "
            f"{', '.join(names) or 'none'} and {bundle.image_size}."
        )
    for card in bundle.offered:
        bundle.recipe_for(card.name)


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
        image_size=values["image_size"],
        classes=tuple(_class_card(card) for card in values["classes"]),
        recipe=RecipeDefaults(
            **{
                **defaults,
                "encoder": Encoder(defaults["encoder"]),
                "reference": Reference(defaults["reference"]),
                "seeds": tuple(defaults["seeds"]),
                "within": Region(defaults.get("within", Region.PICTURE)),  # older ones lack it
            }
        ),
        heat_scale=HeatScale(**values["heat_scale"]),
        data=tuple(DataSource(**source) for source in values["data"]),
        measured=values["measured"],
        training=values["training"],
        files=values["files"],
    )
    for name in bundle.files:
        if not INSIDE.fullmatch(name):
            raise BundleError(f"{name!r} is not a path inside the bundle.")
        if Path(name).suffix in PICKLES:
            raise BundleError(
                f"{name} is of a kind that can run code when it is read, and a bundle holds none. "
                "Keep its weights as safetensors."
            )
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
