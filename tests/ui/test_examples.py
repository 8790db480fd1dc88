"""The radiographs that come with DAug, to try it without a file of one's own."""

import json
from pathlib import Path

import cv2
import pytest

from daug.errors import DaugError
from tests.ui import phantoms
from ui.cli import EXAMPLES
from ui.examples import LIST, read_examples
from ui.heat_picture import gray


def write(folder: Path, titles: list[str]) -> None:
    done, content = cv2.imencode(".png", gray(phantoms.chest(300, 240)))
    assert done
    (folder / "one.png").write_bytes(content.tobytes())
    listed = [{"file": "one.png", "title": title, "seed": 7} for title in titles]
    (folder / LIST).write_text(json.dumps({"examples": listed}))


def test_each_example_has_a_thumbnail_and_says_that_it_is_synthetic(tmp_path: Path) -> None:
    write(tmp_path, ["Towards Pleural", "A synthetic chest"])
    first, second = read_examples(tmp_path, phantoms.workstation())
    assert first.caption == "Towards Pleural (synthetic)"
    assert second.caption == "A synthetic chest"
    assert first.path.read_bytes()[1:4] == b"PNG"
    assert first.thumbnail.shape == (160, 128, 3)


def test_without_examples_there_is_no_gallery(tmp_path: Path) -> None:
    assert read_examples(None, phantoms.workstation()) == ()
    assert read_examples(tmp_path / "absent", phantoms.workstation()) == ()
    assert read_examples(tmp_path, phantoms.workstation()) == ()


@pytest.mark.parametrize("content", ["[]", "{}", "{", '{"examples": [1]}', '{"examples": 1}'])
def test_a_broken_list_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / LIST).write_text(content)
    with pytest.raises(DaugError, match=LIST):
        read_examples(tmp_path, phantoms.workstation())


def test_the_examples_that_are_shipped_can_all_be_opened() -> None:
    if not (EXAMPLES / LIST).is_file():
        pytest.skip("no examples are shipped")
    examples = read_examples(EXAMPLES, phantoms.workstation())
    assert all("synthetic" in example.caption for example in examples)
