"""Nothing outside a collection's folder is ever reached, whatever its tables name."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daug.errors import ManifestError
from tests.trainers.adapters import layouts
from trainers.adapters.collection import Collection, Place

WAYS = ("..", "in", "a.png", "out", "inward", "file")
ODD = (".", "", "~", "\\..", "..\\x", "a\0", "x" * 300)
PATHS = st.lists(st.sampled_from(3 * WAYS + ODD), max_size=4).map("/".join)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with links to the inside and the outside."""
    above = tmp_path_factory.mktemp("above")
    root = above / "root"
    layouts.write_lines(root / "in" / "a.png", "inside")
    layouts.write_lines(above / "secret" / "a.png", "outside")
    layouts.write_lines(above / "a.png", "outside")
    (root / "out").symlink_to(above / "secret")
    (root / "in" / "out").symlink_to("../../secret")
    (root / "in" / "file").symlink_to(above / "a.png")
    (root / "inward").symlink_to(root / "in")
    return root


@given(PATHS, st.booleans())
@settings(max_examples=500)
def test_no_path_leaves_the_root(root: Path, path: str, absolute: bool) -> None:
    path = f"{root}/{path}" if absolute else path
    place = Collection(root).place(path)
    real = os.path.realpath(root / path) if "\0" not in path else ""
    if place is Place.INSIDE:
        assert real.startswith(f"{root}/")
        assert Path(real).read_text() == "inside\n"
        assert not absolute
        assert ".." not in path.split("/")
    else:
        with pytest.raises(ManifestError):
            Collection(root).file(path)


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("in/a.png", Place.INSIDE),
        ("inward/a.png", Place.INSIDE),
        ("in/b.png", Place.MISSING),
        ("in", Place.MISSING),
        ("out/a.png", Place.OUTSIDE),
        ("in/out/a.png", Place.OUTSIDE),
        ("in/file", Place.OUTSIDE),
        ("in/../in/a.png", Place.OUTSIDE),
        ("/etc/passwd", Place.OUTSIDE),
        ("", Place.OUTSIDE),
    ],
)
def test_where_paths_lead(root: Path, path: str, place: Place) -> None:
    assert Collection(root).place(path) is place


def test_a_table_that_is_a_link_to_the_outside_is_not_read(root: Path) -> None:
    with pytest.raises(ManifestError, match="leads out"):
        next(Collection(root).rows("in/file"))


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"\x1f\x8b broken"])
def test_a_broken_table_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    name = "a.csv.gz" if content[0] == 0x1F else "a.csv"
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ManifestError, match="cannot be read as a CSV table"):
        list(Collection(tmp_path).rows(name))


def test_a_table_without_a_column_says_which_it_has(tmp_path: Path) -> None:
    layouts.write_lines(tmp_path / "a.csv", " one ,two", "1,2")
    with pytest.raises(ManifestError, match=r"lacks the columns three\. It has one, two"):
        list(Collection(tmp_path).rows("a.csv", ("one", "three")))
