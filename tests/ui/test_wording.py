from dataclasses import replace

from daug.bundle import ClassCard, ClassMetrics, Estimate, TrainingCounts
from daug.findings import Direction, Finding
from daug.radiograph import PixelSpacing, SpacingPlane
from tests.ui import phantoms
from ui import wording


def metrics(source: str, auroc: float, positives: int, negatives: int) -> ClassMetrics:
    estimate = Estimate(auroc, auroc - 0.05, auroc + 0.05, positives + negatives)
    return ClassMetrics(source, positives, negatives, estimate, estimate)


CARD = ClassCard(
    "Pleural",
    (Finding.PLEURAL_EFFUSION, Finding.PLEURAL_OTHER),
    TrainingCounts(1200, 800, {"Pleural Effusion": 900, "Pleural Other": 400}),
)


def test_every_source_with_enough_radiographs_is_named_with_its_own_figure() -> None:
    """What holds for children in one source need not hold for adults in another."""
    card = replace(
        CARD,
        metrics=(metrics("a", 0.9, 100, 50), metrics("b", 0.6, 20, 20), metrics("c", 1, 19, 99)),
    )
    assert wording.measured(card) == (
        "AUROC 0.90 (0.85 to 0.95) in a, n = 150; 0.60 (0.55 to 0.65) in b, n = 40"
    )


def test_too_few_radiographs_of_either_kind_are_no_measurement() -> None:
    few = (metrics("a", 0.9, 19, 500), metrics("b", 0.9, 500, 19))
    assert wording.measured(CARD) == "not measured (n = 0 with it)"
    assert wording.measured(replace(CARD, metrics=few[:1])) == "not measured (n = 19 with it)"
    assert wording.measured(replace(CARD, metrics=few)).startswith("not measured")


def test_a_super_class_says_what_it_stands_for_in_this_bundle() -> None:
    assert wording.stands_for(CARD) == "Pleural = Pleural Effusion (900), Pleural Other (400)"
    assert wording.trained_on(CARD) == "1,200 training radiographs with it, 800 without"
    made = replace(CARD, training=replace(CARD.training, painted=1000, measured=7))
    assert wording.trained_on(made) == (
        "1,200 training radiographs with it (1,000 painted onto normal ones, 7 by measurement), "
        "800 without"
    )


def test_the_two_questions_are_told_apart() -> None:
    normal = ClassCard("No Finding", (Finding.NO_FINDING,), TrainingCounts(99, 99, {}))
    asked = {
        (card.name, direction): wording.question(card, direction)
        for card in (normal, CARD)
        for direction in Direction
    }
    assert asked["No Finding", Direction.MORE] == asked["Pleural", Direction.LESS]
    assert asked["No Finding", Direction.LESS] == asked["Pleural", Direction.MORE]
    assert "says nothing about presence" in asked["Pleural", Direction.MORE]
    assert "presence" not in asked["Pleural", Direction.LESS]


def test_what_the_model_sees_is_told_in_millimetres_where_they_are_known() -> None:
    def told(**known: object) -> str:
        radiograph = phantoms.radiograph(640, 320, **known)
        return wording.model_sees(radiograph, radiograph.model_input(64))

    assert told() == "The model sees 64 × 64, size of a pixel not known"
    patient = PixelSpacing(0.3, 0.3, SpacingPlane.PATIENT)
    assert told(spacing=patient) == "The model sees 64 × 64, about 3 mm per pixel"
    detector = PixelSpacing(0.14, 0.14, SpacingPlane.DETECTOR)
    assert told(spacing=detector).endswith("about 1.4 mm per pixel at the detector")
