from dataclasses import replace

import pytest

from daug.bundle import Bundle, DataSource
from tests.trainers.rows import row
from trainers.evaluation.localisation.scorable import Part, half_of, part_of, training_splits


def learnt_from(bundle: Bundle, **images: int) -> Bundle:
    """The bundle as if a source "one" had trained some of its models."""
    return replace(bundle, data=(DataSource("one", "CC0", "nobody", images),))


@pytest.mark.parametrize("model", ["unet", "classifier"])
def test_a_radiograph_that_trained_what_draws_is_never_scored(
    tiny_bundle: Bundle, model: str
) -> None:
    bundle = learnt_from(tiny_bundle, **{model: 7})
    assert part_of(row(split="train"), bundle) is None
    assert part_of(row(split="val"), bundle) is Part.TUNING
    assert part_of(row(split="test"), bundle) is Part.FIGURE


def test_models_that_draw_nothing_do_not_count(tiny_bundle: Bundle) -> None:
    bundle = learnt_from(tiny_bundle, unet=0, classifier=0, clip=50, anatomy=30)
    parts = {part_of(row(f"r{i}", split="train"), bundle) for i in range(40)}
    assert parts == {Part.TUNING, Part.FIGURE}


def test_the_split_that_a_model_was_trained_on_is_the_one_that_it_names(
    tiny_bundle: Bundle,
) -> None:
    bundle = learnt_from(tiny_bundle, unet=5, classifier=5)
    bundle = replace(bundle, training={"classifier": {"split": "fold1"}})
    assert training_splits(bundle, "one", ("unet", "classifier")) == {"train", "fold1"}
    assert part_of(row(split="fold1"), bundle) is None
    assert part_of(row(split="train"), bundle) is None
    assert part_of(row(split="test"), bundle) is Part.FIGURE


def test_a_source_that_no_model_saw_is_held_out_whole_and_halved_by_patient(
    tiny_bundle: Bundle,
) -> None:
    rows = [
        row(f"r{i}", patient=f"p{i // 2}", split=split)
        for i, split in enumerate(["train", "val", "test"] * 200)
    ]
    parts = {
        one.patient: {part_of(r, tiny_bundle) for r in rows if r.patient == one.patient}
        for one in rows[::40]
    }
    assert all(len(own) == 1 for own in parts.values())  # both images of a patient together
    shares = [part_of(one, tiny_bundle) is Part.FIGURE for one in rows]
    assert 0.4 < sum(shares) / len(shares) < 0.6
    by_split = {
        split: {part_of(r, tiny_bundle) for r in rows if r.split == split}
        for split in ("train", "val", "test")
    }
    assert all(own == set(Part) for own in by_split.values())


def test_a_patient_is_in_the_same_half_for_ever() -> None:
    """Written down, since figures are compared over years."""
    halves = "".join(half_of(f"cohen/{i}").value[0] for i in range(24))
    assert halves == "fttftttffftfftttftffttff"
