import hashlib

import cv2
import numpy as np
import pytest

from daug.errors import RadiographError
from daug.findings import SUPER_CLASSES, Finding
from daug.phantom import DRAWN, PAINTERS, draw_phantom, labels_of, super_class_vector
from daug.phantom.body import draw_body
from daug.radiograph import Radiograph

SEEDS = range(20)
SIZE = 96


def digest(pixels: np.ndarray) -> str:
    return hashlib.sha256(pixels.tobytes()).hexdigest()


def test_a_phantom_is_a_function_of_seed_findings_and_size() -> None:
    first, again = (draw_phantom(7, DRAWN, SIZE) for _ in range(2))
    assert digest(first.pixels) == digest(again.pixels)
    others = [draw_phantom(8, DRAWN, SIZE), draw_phantom(7, [], SIZE), draw_phantom(7, DRAWN, 97)]
    assert digest(first.pixels) not in {digest(other.pixels) for other in others}


def test_the_order_in_which_findings_are_named_changes_nothing() -> None:
    one, other = draw_phantom(3, DRAWN, SIZE), draw_phantom(3, DRAWN[::-1], SIZE)
    assert digest(one.pixels) == digest(other.pixels)


@pytest.mark.parametrize("finding", PAINTERS)
def test_a_finding_that_adds_density_brightens_its_mask_and_touches_nothing_else(
    finding: Finding,
) -> None:
    for seed in SEEDS:
        without, with_it = draw_phantom(seed, [], SIZE), draw_phantom(seed, [finding], SIZE)
        mask = with_it.masks[finding]
        assert mask.sum() > 3
        assert (with_it.pixels[~mask] == without.pixels[~mask]).all()
        assert (with_it.pixels[mask] >= without.pixels[mask]).all()
        changed = with_it.pixels[mask] > without.pixels[mask]
        assert changed.mean() > 0.98  # a pixel that is white already cannot become whiter


@pytest.mark.parametrize("finding", PAINTERS)
def test_a_finding_looks_the_same_beside_others_that_move_nothing(finding: Finding) -> None:
    for seed in SEEDS:
        alone, together = draw_phantom(seed, [finding], SIZE), draw_phantom(seed, PAINTERS, SIZE)
        assert (alone.masks[finding] == together.masks[finding]).all()


@pytest.mark.parametrize("findings", [[], DRAWN])
def test_a_phantom_is_a_radiograph_with_the_organs_where_they_belong(
    findings: list[Finding],
) -> None:
    for seed in SEEDS:
        phantom = draw_phantom(seed, findings, SIZE)
        Radiograph(phantom.pixels, "phantom")  # it refuses what is none
        organs = phantom.organs
        middle = {name: np.argwhere(mask).mean(axis=0) for name, mask in organs.by_name.items()}
        assert middle["right_lung"][1] < middle["heart"][1] < middle["left_lung"][1]
        assert middle["heart"][0] > middle["left_lung"][0]  # lower
        assert not (organs.right_lung & organs.left_lung).any()
        share = organs.lungs.mean()
        assert 0.15 < share < 0.45


def test_lungs_are_darker_than_the_heart_and_air_is_darkest() -> None:
    for seed in SEEDS:
        phantom = draw_phantom(seed, [], SIZE)
        lungs, heart = (
            np.median(phantom.pixels[mask]) for mask in (phantom.organs.lungs, phantom.organs.heart)
        )
        assert -1 < lungs < 0 < heart - lungs - 0.3
        assert phantom.pixels[0, 0] < lungs


def widths(phantom: object) -> float:
    """Widest heart over widest inner thorax, as the masks show it."""
    organs = phantom.organs  # type: ignore[attr-defined]
    columns = np.flatnonzero(organs.heart.any(axis=0))
    inner = np.flatnonzero(organs.lungs.any(axis=0))
    return float((columns[-1] - columns[0] + 1) / (inner[-1] - inner[0] + 1))


def test_an_enlarged_heart_is_wider_than_half_the_thorax_and_no_other_is() -> None:
    for seed in SEEDS:
        without = draw_phantom(seed, [], 192)
        enlarged = draw_phantom(seed, [Finding.CARDIOMEGALY], 192)
        assert widths(without) < 0.5 < widths(enlarged)
        ratio = draw_body(np.random.default_rng(seed)).heart_ratio
        assert widths(without) == pytest.approx(ratio, abs=0.02)
        assert (enlarged.masks[Finding.CARDIOMEGALY] == enlarged.organs.heart).all()


def test_masks_of_two_sizes_show_the_same_chest() -> None:
    for seed in SEEDS:
        small, large = draw_phantom(seed, DRAWN, 64), draw_phantom(seed, DRAWN, 256)
        for name, mask in small.organs.by_name.items():
            big = large.organs.by_name[name].astype(np.float32)
            shrunk = cv2.resize(big, (64, 64), interpolation=cv2.INTER_AREA) >= 0.5
            assert (mask & shrunk).sum() / (mask | shrunk).sum() > 0.85


def test_every_super_class_is_drawn_and_labelled() -> None:
    assert super_class_vector([]).tolist() == [1, 0, 0, 0, 0, 0, 0]
    vectors = [super_class_vector([finding]) for finding in DRAWN]
    assert np.array_equal(np.stack(vectors), np.eye(7)[1:])
    assert len(SUPER_CLASSES) == 7
    assert labels_of([Finding.ATELECTASIS])[Finding.NO_FINDING] == 0
    assert draw_phantom(0, [Finding.ATELECTASIS], 64).labels == labels_of([Finding.ATELECTASIS])


@pytest.mark.parametrize(("findings", "size"), [([Finding.FRACTURE], 128), ([], 63)])
def test_what_cannot_be_drawn_is_refused(findings: list[Finding], size: int) -> None:
    with pytest.raises(RadiographError, match="at least 64 pixels and any of Cardiomegaly"):
        draw_phantom(0, findings, size)
