import json
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import torch
from PIL import Image

from daug.bundle import Bundle
from daug.bundled_models import load_models
from daug.errors import RecipeError
from daug.loading import load_radiograph
from daug.loading.synthetic import SAYS_SYNTHETIC
from daug.notice import NOTICE
from trainers.synthetic.drawing import Drawer
from trainers.synthetic.marking import SIDE, marked_pixels, png_bytes, read_recipe
from trainers.synthetic.recipe import Aim, DrawRecipe

RECIPE = DrawRecipe(11, (Aim("Pleural", scale=5.0),), num_steps=3)
GRAY = np.full((128, 128), 90, dtype=np.uint8)


@pytest.fixture(scope="module")
def picture(tiny_bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shipped picture of the tiny bundle."""
    ((_, pixels),) = Drawer(load_models(tiny_bundle), torch.device("cpu")).draw([RECIPE])
    path = tmp_path_factory.mktemp("examples") / "drawn.png"
    path.write_bytes(png_bytes(pixels, RECIPE, tiny_bundle))
    return path


def test_a_picture_is_drawn_again_from_nothing_but_its_metadata(
    picture: Path, tiny_bundle: Bundle
) -> None:
    recipe, bundle = read_recipe(picture)
    assert bundle["digest"] == tiny_bundle.digest
    ((_, pixels),) = Drawer(load_models(tiny_bundle), torch.device("cpu")).draw([recipe])
    with Image.open(picture) as shipped:
        np.testing.assert_array_equal(marked_pixels(pixels), np.asarray(shipped))
    assert png_bytes(pixels, recipe, tiny_bundle) == picture.read_bytes()


def test_whoever_opens_a_picture_is_told_that_it_shows_no_patient(picture: Path) -> None:
    assert load_radiograph(picture).warnings == (SAYS_SYNTHETIC,)


def test_the_file_says_in_words_that_any_program_reads_what_it_is(picture: Path) -> None:
    with Image.open(picture) as shipped:
        assert (shipped.mode, shipped.size) == ("L", (SIDE, SIDE))
        info = shipped.info
        assert info["Synthetic"] == "yes"
        assert info["Disclaimer"] == NOTICE
        assert "Towards Pleural" in info["Title"]
        assert json.loads(info["daug:recipe"])["seed"] == 11
        said = [a for e in ET.fromstring(info["xmp"]).iter() for a in e.attrib.items()]
    namespace = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}"
    address = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
    assert (f"{namespace}DigitalSourceType", address) in said


def test_the_mark_is_letters_in_one_upper_corner_and_touches_nothing_else() -> None:
    changed = marked_pixels(GRAY) != 90
    rows, columns = np.nonzero(changed)
    assert rows.max() < SIDE * 0.06
    assert columns.max() < SIDE * 0.25
    inked = changed[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    assert 0.3 < inked.mean() < 0.95  # letters, no bar
    assert changed.mean() < 0.01


@pytest.mark.parametrize("level", [0, 90, 255])
def test_the_mark_can_be_read_on_any_ground(level: int) -> None:
    marked = marked_pixels(np.full((128, 128), level, dtype=np.uint8))
    assert {0, 255} <= set(np.unique(marked))


def test_the_mark_stands_in_the_darker_upper_corner() -> None:
    lit = GRAY.copy()
    lit[:20, :64] = 200
    plain = np.asarray(Image.fromarray(lit).resize((SIDE, SIDE), Image.Resampling.LANCZOS))
    columns = np.nonzero((marked_pixels(lit) != plain).any(axis=0))[0]
    assert columns.min() > SIDE * 0.75


def test_a_picture_without_a_recipe_is_refused_in_one_sentence(
    picture: Path, tmp_path: Path
) -> None:
    with Image.open(picture) as shipped:
        shipped.copy().save(tmp_path / "again.png")  # Pillow leaves the metadata behind
    (tmp_path / "none.png").write_bytes(b"")
    for name in ("again.png", "none.png"):
        with pytest.raises(RecipeError, match="holds no recipe"):
            read_recipe(tmp_path / name)
