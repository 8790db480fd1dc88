"""Copies are found, strangers are not: on drawn chests that differ as patients do."""

from pathlib import Path

import cv2
import imagehash
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from daug.bundle import Bundle
from daug.bundled_models import load_models
from daug.noisy_classifier import NoisyClassifier
from trainers.pixels import to_model_range
from trainers.synthetic import copy_check, encoder_features
from trainers.synthetic.copy_check import CopyCheck, Distances, HeldOutDistances
from trainers.synthetic.encoder_features import FeatureSpace, pooled_features
from trainers.synthetic.perceptual_hash import (
    Pose,
    _moved,
    hamming,
    hash_all,
    nearest_in_any_pose,
    perceptual_hash,
)

SIDE = 64
Gray = NDArray[np.uint8]


def chest(seed: int) -> Gray:
    """A drawn chest: body, two lungs, a heart, ribs and the odd shadow, all at chance."""
    chance = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    gray = 150 + 40 * chance.random() - 60 * np.abs(columns - 0.5)

    def blob(row: float, column: float, high: float, wide: float, level: float) -> None:
        inside = ((rows - row) / high) ** 2 + ((columns - column) / wide) ** 2
        gray[...] += level / (1 + np.exp(12 * (inside.clip(0, 3) - 1)))

    def near(value: float, by: float) -> float:
        return float(value + chance.uniform(-by, by))

    for column in (0.3, 0.7):
        blob(near(0.5, 0.08), near(column, 0.05), near(0.32, 0.07), near(0.15, 0.05), -90)
    blob(near(0.65, 0.06), near(0.55, 0.05), near(0.15, 0.05), near(0.14, 0.05), 60)
    gray += 12 * np.sin(2 * np.pi * (near(9, 3) * rows + near(0, 3) * np.abs(columns - 0.5)))
    for _ in range(6):
        row, column, high, wide = chance.uniform((0, 0, 0.04, 0.04), (1, 1, 0.2, 0.2))
        blob(row, column, high, wide, near(0, 45))
    return np.asarray(gray.clip(0, 255), dtype=np.uint8)


TRAINING = np.stack([chest(seed) for seed in range(40)])
HELD_OUT = np.stack([chest(seed) for seed in range(1000, 1030)])
MINE = TRAINING[17]


def noised(picture: Gray) -> Gray:
    noise = np.random.default_rng(0).normal(0, 4, picture.shape)
    return (picture + noise).clip(0, 255).astype(np.uint8)


def cropped(picture: Gray) -> Gray:
    return np.asarray(cv2.resize(picture[2:-2, 2:-2], (SIDE, SIDE)), dtype=np.uint8)


def brightened(picture: Gray) -> Gray:
    return (picture * 0.85 + 30).clip(0, 255).astype(np.uint8)


def mirrored(picture: Gray) -> Gray:
    return np.ascontiguousarray(picture[:, ::-1])


def turned(picture: Gray) -> Gray:
    return _moved(picture, Pose(2.6, 1.04, 0.02, -0.02))


@pytest.fixture(scope="module")
def classifier(make_bundle: object) -> NoisyClassifier:
    bundle: Bundle = make_bundle(size=SIDE)  # type: ignore[operator]
    return load_models(bundle).classifier


@pytest.fixture(scope="module")
def check(classifier: NoisyClassifier, tmp_path_factory: pytest.TempPathFactory) -> CopyCheck:
    return CopyCheck(classifier, TRAINING, HELD_OUT, tmp_path_factory.mktemp("cache"), "w")


@pytest.mark.parametrize(
    "change", [np.copy, noised, cropped, brightened, mirrored, turned], ids=lambda c: c.__name__
)
def test_a_copy_is_found_however_it_was_changed(check: CopyCheck, change: object) -> None:
    copy = change(MINE)  # type: ignore[operator]
    assert check.held_out.copied_by(check.distances(copy))


def test_the_same_pixels_are_at_distance_zero_by_both_measures(check: CopyCheck) -> None:
    for copy in (MINE, mirrored(MINE)):
        found = check.distances(copy)
        assert found.hash_bits == 0
        assert found.features == pytest.approx(0, abs=1e-3)
        assert check.held_out.copied_by(found) == ("hash", "features")


def test_other_patients_are_no_copies_but_for_the_nearest_of_them(check: CopyCheck) -> None:
    """By construction about one in twenty strangers is nearer than the 5th percentile."""
    strangers = [check.distances(chest(seed)) for seed in range(2000, 2020)]
    copies = [found for found in strangers if check.held_out.copied_by(found)]
    assert len(copies) <= 5


def test_planted_copies_are_found(check: CopyCheck) -> None:
    planted = check.planted()
    assert planted["n"] == 40
    assert planted["found"] >= 30
    assert planted["found"] >= max(planted["found_by_hash"], planted["found_by_features"])


def test_the_hash_is_imagehashes_own(check: CopyCheck) -> None:
    one, other = (imagehash.phash(Image.fromarray(p), hash_size=16) for p in (MINE, TRAINING[3]))
    words = perceptual_hash(TRAINING[3])[None]
    assert hamming(words, perceptual_hash(MINE)).tolist() == [one - other]
    mirror = imagehash.phash(Image.fromarray(mirrored(TRAINING[3])), hash_size=16)
    both = hamming(hash_all(TRAINING[3:4]), perceptual_hash(MINE)).tolist()
    assert both == [one - other, one - mirror]


def test_no_pose_is_worse_than_the_picture_as_it_is() -> None:
    words = hash_all(TRAINING)
    for picture in HELD_OUT[:3]:
        assert nearest_in_any_pose(picture, words) <= hamming(words, perceptual_hash(picture)).min()


def test_a_turned_copy_is_a_stranger_as_it_is_and_a_copy_in_its_pose(check: CopyCheck) -> None:
    copy = turned(MINE)
    as_it_is = int(hamming(check.words, perceptual_hash(copy)).min())
    in_its_pose = nearest_in_any_pose(copy, check.words)
    assert in_its_pose < check.held_out.hash_bits.min() <= as_it_is


def test_distances_in_features_are_those_of_brute_force(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(encoder_features, "CHUNK", 7)  # several chunks, the last one short
    chance = np.random.default_rng(0)
    training = (chance.normal(5, 1, (40, 6)) * [1, 2, 3, 4, 5, 0]).astype(np.float32)
    own = np.concatenate([training[[3, 39]], chance.normal(5, 2, (5, 6)).astype(np.float32)])
    spread = np.maximum(training.astype(np.float64).std(axis=0), 1e-6)
    spread[5] = 1  # the same everywhere: any unit will do, as long as the query says the same
    own[:, 5] = training[0, 5]
    differences = (own[:, None].astype(np.float64) - training[None]) / spread
    expected = np.sqrt((differences**2).sum(axis=2)).min(axis=1)
    np.testing.assert_allclose(FeatureSpace.of(training).nearest(own), expected, atol=1e-9)
    assert expected[:2].tolist() == [0, 0]


def test_the_features_are_what_the_head_decides_on(classifier: NoisyClassifier) -> None:
    pooled = torch.from_numpy(pooled_features(classifier, TRAINING[:3]))
    with torch.no_grad():
        logits = classifier(to_model_range(TRAINING[:3]), torch.tensor(0))
        torch.testing.assert_close(classifier.head(pooled), logits)


HELD = HeldOutDistances(
    np.array([10, 20, 20, *range(21, 118)]), np.array([1.0, 2.0, 2.5, *range(10, 107)])
)


def test_a_tie_with_the_threshold_is_a_copy_and_the_threshold_is_the_upper_neighbour() -> None:
    """Of 100, the 5th percentile lies between the 5th and the 6th: 22 and 23 bits, 11 and 12."""
    assert (HELD.copy_hash_bits, HELD.copy_features) == (23, 12.0)
    assert HELD.copied_by(Distances(23, 100.0)) == ("hash",)
    assert HELD.copied_by(Distances(24, 12.0)) == ("features",)
    assert HELD.copied_by(Distances(23, 12.0)) == ("hash", "features")
    assert HELD.copied_by(Distances(24, 12.01)) == ()


def test_what_is_farther_than_real_chests_is_strange() -> None:
    """The 99th percentile lies between 105 and 106; the lower counts."""
    assert HELD.strange_features == 105
    assert HELD.is_strange(Distances(50, 105.1))
    assert not HELD.is_strange(Distances(50, 105.0))


def test_a_percentile_is_the_share_of_strangers_as_near_or_nearer() -> None:
    assert HELD.percentiles(Distances(20, 9.0)) == {"hash_bits": 3.0, "features": 3.0}


def test_the_second_time_nothing_is_encoded_again(
    classifier: NoisyClassifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = CopyCheck(classifier, TRAINING[:5], HELD_OUT[:3], tmp_path, "w")

    def never(*_: object) -> None:
        raise AssertionError("encoded again")

    monkeypatch.setattr(copy_check, "write_features", never)
    monkeypatch.setattr(copy_check, "hash_all", never)
    monkeypatch.setattr(CopyCheck, "distances", never)
    again = CopyCheck(classifier, TRAINING[:5], HELD_OUT[:3], tmp_path, "w")
    np.testing.assert_array_equal(again.held_out.features, first.held_out.features)
    others = [(TRAINING[:5], "other weights"), (TRAINING[1:6], "w")]
    for training, weights in others:
        with pytest.raises(AssertionError, match="encoded again"):
            CopyCheck(classifier, training, HELD_OUT[:3], tmp_path, weights)
