import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from alembic import command
from alembic.config import Config
from numpy.typing import NDArray

from daug.embedding import Embedding
from db import migrating
from db.backup import restore
from db.database import DATABASE_FILE, open_database, writing
from db.library import Library, open_library
from db.library_folder import open_library_folder
from db.vector_index import FollowingIndex, VectorIndex
from tests.db.drawn import import_rows, row

MODEL, OTHER = "ab" * 32, "cd" * 32
D = 8


def axis(number: int) -> NDArray[np.float32]:
    return np.asarray(np.eye(D)[number], dtype=np.float32)


def index_of(library: Library, folder: Path) -> VectorIndex:
    return FollowingIndex(folder, library, MODEL, 1).current()


def nearest(index: VectorIndex, number: int) -> list[int]:
    found = index.search(Embedding(axis(number), MODEL), 1)
    return [int(case_id) for case_id in found.ids]


@pytest.fixture
def ids(library: Library, tmp_path: Path) -> list[int]:
    found = import_rows(library, tmp_path, [row(n) for n in range(4)]).imported
    library.store_embeddings(MODEL, {case_id: axis(n) for n, case_id in enumerate(found)})
    return found


def number_of(state: str) -> str:
    return state.partition("-")[0]


def test_an_index_of_a_future_that_was_lost_is_not_taken_for_the_truth(
    library: Library, ids: list[int], tmp_path: Path
) -> None:
    """After a restore the counter comes to the same number by another way."""
    library.back_up(tmp_path / "backup.tar")
    library.store_embeddings(MODEL, {ids[0]: axis(5), ids[1]: axis(0)})
    lost = library.embedding_generation(MODEL)
    assert nearest(index_of(library, tmp_path / "index"), 0) == [ids[1]]
    restore(tmp_path / "backup.tar", tmp_path / "back")
    with open_library(tmp_path / "back") as back:
        back.store_embeddings(MODEL, {ids[0]: axis(6), ids[2]: axis(0)})
        now = back.embedding_generation(MODEL)
        assert number_of(now) == number_of(lost)  # else this would prove nothing
        assert now != lost
        assert nearest(index_of(back, tmp_path / "index"), 0) == [ids[2]]
        assert nearest(index_of(back, tmp_path / "index"), 6) == [ids[0]]


def test_a_restored_library_uses_the_index_of_its_own_state(
    library: Library, ids: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index_of(library, tmp_path / "index")
    library.back_up(tmp_path / "backup.tar")
    restore(tmp_path / "backup.tar", tmp_path / "back")
    with open_library(tmp_path / "back") as back:
        monkeypatch.setattr(Library, "embeddings", lambda *_: pytest.fail("made anew"))
        assert nearest(index_of(back, tmp_path / "index"), 3) == [ids[3]]


def test_removing_a_case_after_a_restore_is_another_state_too(
    library: Library, ids: list[int], tmp_path: Path
) -> None:
    library.back_up(tmp_path / "backup.tar")
    library.remove([ids[0]])
    lost = library.embedding_generation(MODEL)
    assert nearest(index_of(library, tmp_path / "index"), 1) == [ids[1]]
    restore(tmp_path / "backup.tar", tmp_path / "back")
    with open_library(tmp_path / "back") as back:
        back.remove([ids[1]])
        assert number_of(back.embedding_generation(MODEL)) == number_of(lost)
        assert nearest(index_of(back, tmp_path / "index"), 0) == [ids[0]]
        assert nearest(index_of(back, tmp_path / "index"), 1) != [ids[1]]


def test_every_change_of_a_models_embeddings_gives_its_state_a_new_name(
    library: Library, ids: list[int]
) -> None:
    names = [library.embedding_generation(MODEL)]
    for _ in range(3):
        library.store_embeddings(MODEL, {ids[0]: axis(0)})
        names.append(library.embedding_generation(MODEL))
    library.store_embeddings(OTHER, {ids[0]: axis(0)})
    assert library.embedding_generation(MODEL) == names[-1]
    library.remove([ids[0]])
    names.append(library.embedding_generation(MODEL))
    assert len(set(names)) == len(names)
    assert [number_of(name) for name in names] == ["1", "2", "3", "4", "5"]
    tokens = {name.partition("-")[2] for name in names}
    assert len(tokens) == len(names)
    assert {len(token) for token in tokens} == {16}
    assert library.embedding_generation("ef" * 32) == "0-"


# Migration


def library_at(step: str, folder: Path) -> None:
    """Make a library's tables as an earlier version had them."""
    open_library_folder(folder)
    engine = open_database(folder / DATABASE_FILE)
    config = Config()
    config.set_main_option("script_location", str(Path(migrating.__file__).parent / "migrations"))
    with writing(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, step)
    engine.dispose()


def test_a_library_of_the_step_before_gets_tokens_and_keeps_its_embeddings(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "library"
    library_at("0002", folder)
    with sqlite3.connect(folder / DATABASE_FILE) as connection:
        connection.execute("INSERT INTO studies (id) VALUES (1)")
        connection.execute(
            "INSERT INTO radiographs (id, study_id, pixel_digest, original_digest, original_suffix,"
            " incoming_digest, perceptual_hash, height, width, view, sex, age_stated, source,"
            " source_id, split, licence, synthetic, warnings, added_at) VALUES (1, 1, 'p', 'o',"
            " 'png', 'i', X'00', 9, 9, 'PA', '', '', '', '', '', '', 0, '[]', '2026-01-01')"
        )
        for key, (digest, generation) in enumerate([(MODEL, 7), (OTHER, 7)], start=1):
            connection.execute(
                "INSERT INTO embedding_models (id, digest, dimensions, generation)"
                " VALUES (?, ?, ?, ?)",
                (key, digest, D, generation),
            )
            connection.execute(
                "INSERT INTO embeddings (model_id, radiograph_id, vector) VALUES (?, 1, ?)",
                (key, axis(2).tobytes()),
            )
    connection.close()
    shutil.copytree(folder, tmp_path / "twin")  # a copy that is migrated by itself
    names = []
    for place in (folder, tmp_path / "twin"):
        with open_library(place) as library:
            names += [library.embedding_generation(MODEL), library.embedding_generation(OTHER)]
            assert [number_of(name) for name in names[-2:]] == ["7", "7"]
            found, vectors = library.embeddings(MODEL)
            assert found.tolist() == [1]
            np.testing.assert_array_equal(vectors[0], axis(2))
            assert nearest(index_of(library, tmp_path / "index"), 2) == [1]
    assert len(set(names)) == 4
    assert {len(name) for name in names} == {len("7-") + 16}
