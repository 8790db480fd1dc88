"""Letters are found where they were burnt in; ribs, lungs and wires are not letters."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from daug.organs import MaskBox
from daug.picture_marks import border_band, text_mask


def body(side: int = 400) -> NDArray[np.float32]:
    """A bright body with dark lungs and soft ribs across them."""
    picture = np.full((side, side), 0.2, dtype=np.float32)
    rows, columns = np.mgrid[0:side, 0:side] / side
    for centre in (0.3, 0.7):
        picture[((rows - 0.5) / 0.3) ** 2 + ((columns - centre) / 0.13) ** 2 < 1] = -0.6
    ribs = 0.25 * np.sin(40 * (rows + 0.3 * np.abs(columns - 0.5)))
    return np.asarray(cv2.GaussianBlur(picture + ribs, (0, 0), 2), dtype=np.float32)


def test_a_body_without_letters_has_none() -> None:
    assert not text_mask(body()).any()


@pytest.mark.parametrize("side", [200, 400, 1000])
@pytest.mark.parametrize("place", [(0.05, 0.15), (0.75, 0.1), (0.3, 0.93)])
def test_letters_are_found_where_they_were_written(side: int, place: tuple[float, float]) -> None:
    drawn = np.zeros((side, side), dtype=np.uint8)
    at = (round(place[0] * side), round(place[1] * side))
    thickness = max(1, side // 200)
    cv2.putText(drawn, "AP", at, cv2.FONT_HERSHEY_SIMPLEX, side / 400, 255, thickness)
    picture = np.where(drawn > 0, np.float32(1), body(side))

    found = text_mask(picture)

    assert (found & (drawn > 0)).sum() >= 0.9 * (drawn > 0).sum()
    near = cv2.dilate(drawn, np.ones((1 + side // 20,) * 2, np.uint8)) > 0
    assert not (found & ~near).any()


def test_a_wire_across_the_chest_is_no_letter() -> None:
    picture = body()
    cv2.line(picture, (20, 30), (380, 300), 1.0, 3)
    assert not text_mask(picture).any()


def test_a_bright_plate_is_no_letter() -> None:
    picture = body()
    picture[300:390, 20:120] = 1.0
    assert text_mask(picture).mean() < 0.005


def test_the_band_at_the_border_is_a_twentieth_of_the_picture_and_all_of_the_padding() -> None:
    band = border_band((100, 100), MaskBox(top=0, left=30, bottom=100, right=70))
    inner = np.zeros((100, 100), dtype=np.bool_)
    inner[2:98, 32:68] = True
    assert (band == ~inner).all()
