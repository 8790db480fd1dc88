"""Which maps a panel shows."""

import numpy as np
import pytest

from daug.errors import RecipeError, UntrainedError
from daug.findings import Activation, Direction
from daug.heatmap import Scores
from tests.ui import phantoms
from ui.chosen_maps import Ask, default_asks, panel_recipes, parse_asks

BUNDLE = phantoms.bundle()


def scores(**logits: float) -> Scores:
    names = tuple(card.name for card in BUNDLE.offered)
    return Scores(names, np.array([logits.get(name.split()[0], -3.0) for name in names]))


def test_the_default_is_no_finding_and_the_three_best_measured() -> None:
    """Lung Lesion (AUROC 0.71 on 12 cases) was not measured, so it comes after Pleural."""
    assert [ask.word for ask in default_asks(BUNDLE, scores())] == [
        "No Finding",
        "Enlarged Cardiomediastinum / Cardiomegaly",
        "Consolidation / Edema / Pneumonia",
        "Pleural",
    ]


def test_less_is_asked_of_what_the_classifier_sees_and_more_of_the_rest() -> None:
    asks = default_asks(BUNDLE, scores(No=4.0, Consolidation=2.0, Pleural=-0.1))
    assert [ask.direction.value for ask in asks] == ["+", "+", "-", "+"]


def test_what_was_hardly_measured_comes_last_however_bad_the_others_are() -> None:
    """Measured as worse than chance is still known better than not measured at all."""
    lesion, pleural = BUNDLE.card("Lung Lesion"), BUNDLE.card("Pleural")
    bad = phantoms.card(pleural.super_class, positives=300, auroc=0.4, tested=40)
    few = phantoms.bundle(classes=(lesion, bad))
    some = Scores((lesion.name, bad.name), np.full(2, -1.0))
    assert [ask.word for ask in default_asks(few, some)] == ["Pleural", "Lung Lesion"]


def test_maps_are_named_with_their_signs() -> None:
    assert parse_asks("no finding:+, cardiomegaly:-,Edema:−") == (
        Ask("no finding", Direction.MORE),
        Ask("cardiomegaly", Direction.LESS),
        Ask("Edema", Direction.LESS),
    )


def test_each_column_has_a_softmax_and_a_sigmoid_map() -> None:
    recipes = panel_recipes(BUNDLE, parse_asks("cardiomegaly:-,pleural:+"), num_steps=7)
    assert [(r.super_class, r.direction, r.activation, r.num_steps) for r in recipes] == [
        ("Enlarged Cardiomediastinum / Cardiomegaly", Direction.LESS, Activation.SOFTMAX, 7),
        ("Enlarged Cardiomediastinum / Cardiomegaly", Direction.LESS, Activation.SIGMOID, 7),
        ("Pleural", Direction.MORE, Activation.SOFTMAX, 7),
        ("Pleural", Direction.MORE, Activation.SIGMOID, 7),
    ]


@pytest.mark.parametrize("text", ["", "cardiomegaly", "cardiomegaly:", ":+", "edema:*", "a:+,"])
def test_what_names_no_map_is_told_how_to(text: str) -> None:
    with pytest.raises(RecipeError, match="'no finding:"):
        parse_asks(text)


def test_more_than_a_page_holds_is_refused() -> None:
    with pytest.raises(RecipeError, match="9 maps were named, but a panel holds at most 8"):
        parse_asks(",".join(["edema:+"] * 9))


def test_a_map_named_twice_under_different_words_is_refused() -> None:
    with pytest.raises(RecipeError, match="named twice"):
        panel_recipes(BUNDLE, parse_asks("edema:+,pneumonia:+"))


def test_an_untrained_super_class_is_refused_with_its_reason() -> None:
    with pytest.raises(UntrainedError, match="Atelectasis: no training examples"):
        panel_recipes(BUNDLE, parse_asks("atelectasis:+"))
