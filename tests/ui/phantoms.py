"""A radiograph drawn by numbers, models that need no network, and heat where a test wants it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from time import sleep

import cv2
import numpy as np
from numpy.typing import NDArray

from daug.bundle import (
    Bundle,
    ClassCard,
    ClassMetrics,
    DataSource,
    Estimate,
    HeatScale,
    RecipeDefaults,
    TrainingCounts,
)
from daug.cardiothoracic import CardiothoracicRatio
from daug.errors import RadiographError
from daug.findings import SUPER_CLASSES, Activation, Direction, SuperClass
from daug.heatmap import Heatmap, Preview, Recipe, Scores
from daug.input_check import InputCheck
from daug.map_reading import MapReading
from daug.normal_floor import NormalGroup, NormalPercentile, asks_what_is_abnormal, group_of
from daug.organs import OrganMasks
from daug.radiograph import Radiograph
from daug.view import View
from daug.workstation import Drawing, Workstation
from daug.zone_table import zone_table

SIZE = 64
SCALE = HeatScale(mark=0.05, full_at=0.4)
POSITIVES = (900, 420, 130, 640, 8, 310, 0)  # training positives of the seven, in their order
AUROCS = (0.83, 0.9, 0.71, 0.86, 0.7, 0.78, 0.5)
TESTED = (120, 60, 12, 90, 4, 40, 0)  # test positives: below 20 says nothing
FLOORS = {
    NormalGroup.ADULT_PA: HeatScale(mark=0.1, full_at=0.3),
    NormalGroup.ADULT_AP: HeatScale(mark=0.15, full_at=0.35),
    NormalGroup.CHILD: HeatScale(mark=0.2, full_at=0.5),
}
DOUBT = (
    "This does not look like a frontal chest radiograph: the model rebuilds it 5.0 times worse "
    "than held-out radiographs. Check that the right picture was opened, and do not trust its maps."
)
HOT = {  # row and column of each super-class's heat, as shares of the model's square
    "No Finding": (0.55, 0.3),
    "Enlarged Cardiomediastinum / Cardiomegaly": (0.62, 0.55),
    "Lung Lesion": (0.3, 0.7),
    "Consolidation / Edema / Pneumonia": (0.6, 0.3),
    "Atelectasis": (0.7, 0.7),
    "Pleural": (0.75, 0.25),
    "Support Device": (0.25, 0.5),
}


def chest(rows: int = 360, columns: int = 300) -> NDArray[np.float32]:
    """A drawn thorax in [-1, 1]: two dark lungs, ribs, a heart; nobody's."""
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j]
    body = (np.abs(x) / 0.95) ** 4 + (np.abs(y + 0.05) / 1.1) ** 6 < 1
    pixels = np.where(body, 0.25, -0.95)
    for side in (-0.43, 0.43):
        lung = ((x - side) / 0.31) ** 2 + ((y + 0.08) / 0.62) ** 2 < 1
        pixels = np.where(lung, -0.55 + 0.15 * y, pixels)
    ribs = body & (np.abs(np.sin(9 * (y + 0.25 * x**2))) > 0.93)
    pixels = np.where(ribs, pixels + 0.18, pixels)
    heart = ((x - 0.12) / 0.3) ** 2 + ((y - 0.32) / 0.3) ** 2 < 1
    pixels = np.where(heart, 0.45, pixels)
    pixels = np.where(np.abs(x) < 0.07, 0.55, pixels)
    soft = cv2.GaussianBlur(pixels.astype(np.float32), (0, 0), rows / 120)
    return np.asarray(soft.clip(-1, 1), dtype=np.float32)


def radiograph(rows: int = 360, columns: int = 300, **known: object) -> Radiograph:
    """The drawn thorax as a radiograph."""
    values: dict[str, object] = {"source_name": "phantom", "view": View.PA, **known}
    return Radiograph(chest(rows, columns), **values)  # type: ignore[arg-type]


def bundle(size: int = SIZE, **changes: object) -> Bundle:
    """Seven super-classes: two untrained, two of the rest hardly tested."""
    cards = tuple(
        card(super_class, positives, auroc, tested)
        for super_class, positives, auroc, tested in zip(
            SUPER_CLASSES, POSITIVES, AUROCS, TESTED, strict=True
        )
    )
    values: dict[str, object] = {
        "folder": Path("nowhere"),
        "name": "phantom-models",
        "version": "1.0",
        "image_size": size,
        "classes": cards,
        "recipe": RecipeDefaults(noise_level=500, scale=100.0, num_steps=10),
        "heat_scale": SCALE,
        "data": (DataSource("drawn", "none", "nobody", {"unet": 1000}),),
        "measured": {},
        "training": {},
        **changes,
    }
    return Bundle(**values)  # type: ignore[arg-type]


def card(super_class: SuperClass, positives: int, auroc: float, tested: int) -> ClassCard:
    """A card whose first finding holds all its training examples."""
    estimate = Estimate(auroc, auroc - 0.05, auroc + 0.05, 400)
    counts = {finding.value: 0 for finding in super_class.findings}
    counts[super_class.findings[0].value] = positives
    return ClassCard(
        name=super_class.name,
        findings=super_class.findings,
        training=TrainingCounts(positives, 1500 if positives else 0, counts),
        operating_point=0.5 if positives else None,
        metrics=(ClassMetrics("drawn", tested, 400 - tested, estimate, estimate),)
        if positives
        else (),
    )


def scores(of: Bundle, raised: str | None = None, by: float = 0.0) -> Scores:
    """Fixed scores of the offered super-classes, one of them moved."""
    names = tuple(card.name for card in of.offered)
    logits = np.linspace(1.0, -1.0, len(names))
    if raised is not None:
        logits[names.index(raised)] += by
    return Scores(names, logits)


def blob(size: int, super_class: str, height: float) -> NDArray[np.float32]:
    """Heat in one place, (S, S)."""
    row, column = (share * size for share in HOT[super_class])
    y, x = np.mgrid[0:size, 0:size]
    away = (y - row) ** 2 + (x - column) ** 2
    return np.asarray(height * np.exp(-away / (2 * (size / 9) ** 2)), dtype=np.float32)


def heatmap(
    of: Radiograph, models: Bundle, recipe: Recipe, change: NDArray[np.float32] | None = None
) -> Heatmap:
    """A map with heat where its super-class has it, or exactly where a test wants it."""
    seen = of.model_input(models.image_size)
    sign = 1 if recipe.direction is Direction.MORE else -1
    if change is None:
        change = sign * blob(models.image_size, recipe.super_class, 0.35)
        if recipe.activation is Activation.SIGMOID:  # what occurs together lights up together
            change = change + sign * blob(models.image_size, "Pleural", 0.2)
    return Heatmap(
        recipe=recipe,
        pixel_digest=of.digest,
        bundle_digest=models.digest,
        model_input=seen,
        seed_changes=_drawn(change, recipe),
        counterfactual=(seen.pixels + change).clip(-1, 1),
        reference=seen.pixels,
        scores_input=scores(models),
        scores_before=scores(models, recipe.super_class, 0.1),
        scores_after=scores(models, recipe.super_class, 2.0 * sign),
        step_logits=np.zeros((recipe.num_steps, len(models.offered)), dtype=np.float32),
    )


def _drawn(change: NDArray[np.float32], recipe: Recipe) -> NDArray[np.float32]:
    """One change for each seed, (seeds, S, S): the later the seed, the weaker; the mean is kept."""
    count = len(recipe.seeds)
    weights = np.linspace(1.6, 0.4, count) if count > 1 else np.ones(1)
    return np.asarray(change * weights[:, None, None], dtype=np.float32)


def drawer(
    models: Bundle, seconds_per_step: float = 0.0, closed: Callable[[], None] = lambda: None
) -> Callable[[Radiograph, Sequence[Recipe]], Drawing]:
    """Return draw_heatmaps: a preview for each step, then the maps.

    Args:
        closed: Called when a drawing is given up before its end.
    """

    def draw(of: Radiograph, recipes: Sequence[Recipe]) -> Drawing:
        maps = tuple(heatmap(of, models, recipe) for recipe in recipes)
        final = np.stack([one.change for one in maps])
        steps = recipes[0].num_steps
        try:
            for step in range(steps + 1):
                sleep(seconds_per_step if step else 0)
                t = round(recipes[0].noise_level * (1 - step / steps))
                yield Preview(step, steps, t, final * np.float32(step / steps))
        except GeneratorExit:
            closed()
            raise
        return maps

    return draw


def load(path: Path, *, frame: int | None = None) -> Radiograph:
    """Read a gray PNG, or say that it is none; every frame of it is the same."""
    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if image is None:
        raise RadiographError(f"{path.name}: is not a picture. Use a PNG, JPEG, TIFF or DICOM.")
    warnings = ("The view is not known.", "Text may be burnt into the picture.")
    pixels = image.astype(np.float32) / 127.5 - 1
    return Radiograph(pixels, path.stem, warnings=warnings)


def organs(size: int = SIZE) -> OrganMasks:
    """Lungs and heart of the drawn thorax on the model's square, roughly."""
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    lungs = [((x - side) / 0.26) ** 2 + ((y + 0.08) / 0.62) ** 2 < 1 for side in (0.36, -0.36)]
    heart = ((x - 0.1) / 0.25) ** 2 + ((y - 0.32) / 0.3) ** 2 < 1
    return OrganMasks(lungs[0], lungs[1], heart)


class Measurer:
    """Measures without a network: drawn organs, a floor that depends on the group alone."""

    def __init__(self, of: Bundle) -> None:
        self.bundle = of
        self.reads = 0

    def read(
        self, radiograph: Radiograph, heatmap: Heatmap, drawings: Heatmap | None = None
    ) -> MapReading:
        self.reads += 1
        before, after = (self._ratio(radiograph, value) for value in (0.47, 0.52))
        table = zone_table(heatmap.heat, organs(heatmap.heat.shape[0]), text=None)
        return MapReading(
            self._percentile(radiograph, heatmap), None, organs(), table, before, after
        )

    def ratio(self, radiograph: Radiograph) -> CardiothoracicRatio | None:
        return self._ratio(radiograph, 0.48)

    def scale(self, radiograph: Radiograph, recipe: Recipe) -> HeatScale:
        group = group_of(radiograph.view, radiograph.age)
        if group is None or not asks_what_is_abnormal(recipe):
            return self.bundle.heat_scale
        return FLOORS[group]

    def _percentile(self, radiograph: Radiograph, heatmap: Heatmap) -> NormalPercentile:
        group = group_of(radiograph.view, radiograph.age)
        if group is None:
            return NormalPercentile(None, 0, None, "view or age not known")
        return NormalPercentile(88.0 if group is NormalGroup.ADULT_PA else 61.0, 140, group)

    def _ratio(self, radiograph: Radiograph, value: float) -> CardiothoracicRatio:
        group = group_of(radiograph.view, radiograph.age)
        if group is NormalGroup.CHILD:
            return CardiothoracicRatio(
                None, None, None, None, None, withheld="the patient is a child"
            )
        if group is NormalGroup.ADULT_PA:
            return CardiothoracicRatio(value, value - 0.03, value + 0.03, None, None)
        note = "AP overestimates" if group else "view not known"
        return CardiothoracicRatio(value, None, None, None, None, note=note)


def check_input(of: Radiograph) -> InputCheck:
    """A check that knows one thing: a picture wider than high is no chest."""
    rows, columns = of.pixels.shape
    if columns <= rows:
        return InputCheck(True, (), 0.02, 1.0)
    return InputCheck(False, (DOUBT,), 0.2, 9.0)


def workstation(
    seconds_per_step: float = 0.0, closed: Callable[[], None] = lambda: None
) -> Workstation:
    """A whole workstation that answers at once, or slowly."""
    models = bundle()
    return Workstation(
        models, load, lambda _: scores(models), drawer(models, seconds_per_step, closed)
    )
