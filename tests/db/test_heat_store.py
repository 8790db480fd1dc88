import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from sqlalchemy import Connection

import db.heat_store
from daug.errors import LibraryError
from daug.findings import Direction
from daug.heatmap import Recipe
from db.backup import restore
from db.database import writing
from db.library import Library, open_library
from db.stored_files import HEATMAPS
from tests.db.drawn import import_rows, row

BUNDLE = "c" * 64
RECIPE = Recipe("No Finding")
LESS = replace(RECIPE, direction=Direction.LESS)


def drawn(seed: int = 0, side: int = 128) -> NDArray[np.float32]:
    """A smooth map with both signs."""
    rows, columns = np.mgrid[0:side, 0:side].astype(np.float32) / side
    phase = np.float32(seed)
    return np.asarray(0.3 * np.sin(7 * rows + phase) * np.cos(5 * columns), dtype=np.float32)


@pytest.fixture
def cases(library: Library, tmp_path: Path) -> list[int]:
    rows = [row(n, report=f"Quixotic sentence number {n} of the patient.") for n in range(3)]
    return import_rows(library, tmp_path, rows).imported


def heat_files(library: Library) -> list[Path]:
    return sorted(p for p in (library.folder.path / HEATMAPS).rglob("*") if p.is_file())


def file_of(library: Library, case_id: int) -> Path:
    pixels = library.case(case_id).pixel_digest.encode()
    return next(file for file in heat_files(library) if pixels in file.read_bytes())


def kept(
    library: Library, case_id: int, recipe: Recipe = RECIPE, bundle: str = BUNDLE
) -> NDArray[np.float32]:
    found = library.changes(case_id, bundle, recipe)
    assert found is not None
    return found


# Keeping


def test_a_map_comes_back_with_its_signs_to_half_a_level(
    library: Library, cases: list[int]
) -> None:
    changes = drawn()
    library.store_changes(cases[0], BUNDLE, RECIPE, changes)
    back = kept(library, cases[0])
    assert back.dtype == np.float32
    assert back.shape == (128, 128)
    np.testing.assert_allclose(back, changes, atol=np.abs(changes).max() / 254 * 1.001)
    (file,) = heat_files(library)
    assert file.stat().st_size < 18_000
    assert library.verify(deep=True).consistent


@given(
    arrays.arrays(
        np.float32, st.integers(1, 9).map(lambda side: (side, side)),
        elements=st.floats(-2, 2, width=32),
    )
)  # fmt: skip
@example(np.full((2, 2), 1e-43, np.float32))
def test_any_map_is_kept_to_half_a_level_and_stays_in_range(changes: NDArray[np.float32]) -> None:
    about = {"pixels": "p"}
    back = db.heat_store._unpacked(db.heat_store._packed(changes, about), about)
    assert back is not None
    largest = float(np.abs(changes).max())
    np.testing.assert_allclose(back, changes, atol=largest / 254 * 1.001 + 1e-44)
    assert np.abs(back).max() <= 2


def test_a_map_is_found_only_under_its_own_case_bundle_and_recipe(
    library: Library, cases: list[int]
) -> None:
    library.store_changes(cases[0], BUNDLE, RECIPE, drawn())
    assert library.changes(cases[1], BUNDLE, RECIPE) is None
    assert library.changes(cases[0], "d" * 64, RECIPE) is None
    assert library.changes(cases[0], BUNDLE, LESS) is None
    assert library.changes(cases[0], BUNDLE, replace(RECIPE, seeds=(1,))) is None
    library.store_changes(cases[0], BUNDLE, LESS, -drawn())
    np.testing.assert_allclose(kept(library, cases[0], LESS), -kept(library, cases[0]))


def test_the_same_map_again_is_the_same_file_and_another_one_replaces_it(
    library: Library, cases: list[int]
) -> None:
    for _ in range(3):
        library.store_changes(cases[0], BUNDLE, RECIPE, drawn())
    (before,) = heat_files(library)
    library.store_changes(cases[0], BUNDLE, RECIPE, drawn(1))
    (after,) = heat_files(library)
    assert before != after
    np.testing.assert_allclose(kept(library, cases[0]), drawn(1), atol=0.01)
    assert library.verify().consistent


def test_keeping_a_map_is_no_change_of_the_cases(library: Library, cases: list[int]) -> None:
    before = library.generation
    library.store_changes(cases[0], BUNDLE, RECIPE, drawn())
    assert library.generation == before


def test_many_at_once_keep_what_each_of_them_drew(library: Library, cases: list[int]) -> None:
    def store(number: int) -> None:
        recipe = replace(RECIPE, seeds=(number % 4,))
        library.store_changes(cases[number % 3], BUNDLE, recipe, drawn(number % 12))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(store, range(48)))
    for number in range(12):
        found = kept(library, cases[number % 3], replace(RECIPE, seeds=(number % 4,)))
        np.testing.assert_allclose(found, drawn(number), atol=0.01)
    assert library.verify().consistent


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (np.zeros((4, 5), np.float32), "square"),
        (np.zeros((2, 4, 4), np.float32), "square"),
        (np.zeros((0, 0), np.float32), "square"),
        (np.full((4, 4), np.nan, np.float32), "no numbers"),
        (np.full((4, 4), np.inf, np.float32), "no numbers"),
        (np.full((4, 4), -2.01, np.float32), "beyond 2"),
    ],
)
def test_what_is_no_map_is_refused(
    library: Library, cases: list[int], changes: NDArray[np.float32], sentence: str
) -> None:
    with pytest.raises(LibraryError, match=sentence):
        library.store_changes(cases[0], BUNDLE, RECIPE, changes)
    assert heat_files(library) == []


def test_a_case_that_is_not_there_has_no_maps(library: Library, cases: list[int]) -> None:
    with pytest.raises(LibraryError, match="no case 999"):
        library.store_changes(999, BUNDLE, RECIPE, drawn())
    with pytest.raises(LibraryError, match="no case 999"):
        library.changes(999, BUNDLE, RECIPE)
    assert heat_files(library) == []


# Damage


def damages(content: bytes) -> Iterator[bytes]:
    chance = random.Random(0)
    yield b""
    yield content[: len(content) // 2]
    yield content + b"\0"
    for _ in range(20):
        flipped = bytearray(content)
        flipped[chance.randrange(len(flipped))] ^= 1 << chance.randrange(8)
        yield bytes(flipped)


def test_a_damaged_map_is_none_is_told_of_and_is_replaced(
    library: Library, cases: list[int]
) -> None:
    library.store_changes(cases[0], BUNDLE, RECIPE, drawn())
    (file,) = heat_files(library)
    whole = file.read_bytes()
    for content in damages(whole):
        file.write_bytes(content)
        assert library.changes(cases[0], BUNDLE, RECIPE) is None
        (problem,) = library.verify().problems
        assert f"case {cases[0]}: heatmaps/" in problem
        assert "changed after it was stored" in problem
        assert "drawn anew" in problem
        library.store_changes(cases[0], BUNDLE, RECIPE, drawn())
        assert file.read_bytes() == whole
        assert library.verify().consistent


def test_a_lost_map_is_none_and_told_of_and_forgotten_on_repair(
    library: Library, cases: list[int]
) -> None:
    library.store_changes(cases[0], BUNDLE, RECIPE, drawn())
    library.store_changes(cases[1], BUNDLE, RECIPE, drawn(1))
    library.store_changes(cases[2], BUNDLE, RECIPE, drawn(2))
    lost, damaged = (file_of(library, case_id) for case_id in cases[:2])
    lost.unlink()
    damaged.write_bytes(b"?")
    assert library.changes(cases[0], BUNDLE, RECIPE) is None
    assert len(library.verify().problems) == 2
    mended = library.verify(repair=True)
    assert mended.consistent
    assert sum("heatmap was forgotten" in line for line in mended.repaired) == 2
    assert len(heat_files(library)) == 1
    kept(library, cases[2])


def test_a_row_that_points_at_the_map_of_another_case_or_recipe_is_not_believed(
    library: Library, cases: list[int]
) -> None:
    library.store_changes(cases[0], BUNDLE, RECIPE, drawn())
    library.store_changes(cases[1], BUNDLE, RECIPE, drawn(1))
    library.store_changes(cases[0], BUNDLE, LESS, drawn(2))
    with writing(library.engine) as connection:
        digest = connection.exec_driver_sql("SELECT file_digest FROM heatmaps").scalar()
        connection.exec_driver_sql("UPDATE heatmaps SET file_digest = ?", (digest,))
    assert library.changes(cases[1], BUNDLE, RECIPE) is None
    assert library.changes(cases[0], BUNDLE, LESS) is None
    kept(library, cases[0])


# Leaving, erasing, killed programs


def test_maps_that_are_alike_are_not_one_file_so_that_each_goes_with_its_case(
    library: Library, cases: list[int]
) -> None:
    nothing = np.zeros((16, 16), np.float32)
    for case_id in cases:
        library.store_changes(case_id, BUNDLE, RECIPE, nothing)
    assert len(heat_files(library)) == 3
    library.remove(cases[:1])
    assert len(heat_files(library)) == 2
    np.testing.assert_array_equal(kept(library, cases[1]), nothing)
    assert library.verify().consistent


def test_nothing_of_an_erased_patients_maps_is_left(library: Library, cases: list[int]) -> None:
    for case_id in cases:
        library.store_changes(case_id, BUNDLE, RECIPE, drawn(case_id))
    pixels = library.case(cases[0]).pixel_digest.encode()
    own = file_of(library, cases[0])
    orphan = own.with_name(f"{'9' * 64}.heat")  # what a killed program left of the patient
    orphan.write_bytes(own.read_bytes() + b"\0")
    library.erase_patient(str(library.case(cases[0]).patient))
    everything = [p for p in library.folder.path.rglob("*") if p.is_file()]
    for trace in (pixels, own.stem.encode()):
        assert not [p for p in everything if trace in p.read_bytes() or trace.decode() in p.name]
    assert len(heat_files(library)) == 2
    assert library.verify().consistent


def test_a_program_killed_between_file_and_row_leaves_a_file_that_is_swept(
    library: Library, cases: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(db.heat_store, "_replace_row", killed)
    with pytest.raises(KeyboardInterrupt):
        library.store_changes(cases[0], BUNDLE, RECIPE, drawn())
    monkeypatch.undo()
    assert len(heat_files(library)) == 1
    assert library.changes(cases[0], BUNDLE, RECIPE) is None
    import_rows(library, tmp_path, [row(9)])  # the next program that adds something
    assert heat_files(library) == []
    assert library.verify().consistent


def test_a_row_is_not_written_before_its_file_is_safe(
    library: Library, cases: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    library.store_changes(cases[0], BUNDLE, RECIPE, drawn())

    def full(_: object) -> None:
        raise LibraryError("The disk is full.")

    monkeypatch.setattr(db.heat_store, "put_in_place", full)
    with pytest.raises(LibraryError, match="full"):
        library.store_changes(cases[0], BUNDLE, RECIPE, drawn(1))
    np.testing.assert_allclose(kept(library, cases[0]), drawn(), atol=0.01)  # the old one stands


def test_a_case_removed_while_its_map_is_drawn_gets_none(
    library: Library, cases: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels_of, asked = db.heat_store._pixels_of, []

    def removed_meanwhile(connection: Connection, case_id: int) -> str:
        asked.append(case_id)
        return "f" * 64 if len(asked) == 1 else pixels_of(connection, 999)

    monkeypatch.setattr(db.heat_store, "_pixels_of", removed_meanwhile)
    with pytest.raises(LibraryError, match="no case"):
        library.store_changes(cases[0], BUNDLE, RECIPE, drawn())
    monkeypatch.undo()
    assert library.changes(cases[0], BUNDLE, RECIPE) is None
    assert not library.verify().consistent  # the file waits to be swept
    assert library.verify(repair=True).consistent
    assert heat_files(library) == []


def test_maps_come_back_from_a_backup(library: Library, cases: list[int], tmp_path: Path) -> None:
    library.store_changes(cases[0], BUNDLE, RECIPE, drawn())
    library.back_up(tmp_path / "backup.tar")
    restore(tmp_path / "backup.tar", tmp_path / "back")
    with open_library(tmp_path / "back") as back:
        np.testing.assert_array_equal(kept(back, cases[0]), kept(library, cases[0]))
        assert back.verify(deep=True).consistent
        (file,) = heat_files(back)
        assert file.stat().st_mode & 0o077 == 0
    with closing(library):
        assert len(heat_files(library)) == 1
