"""The library of the app: made, filled and embedded by itself, and left alone ever after."""

import json
from pathlib import Path

import pytest

from daug.case_desk import CaseQuestion
from db.embedding_run import spaces_of
from db.first_start import library_at_work
from tests.db.embedders import DIMENSIONS, PictureEmbedder
from tests.db.test_demonstration import ship_embeddings, write_demonstration
from tests.db.test_embedding_run import wait_until

CASES = 12


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    return write_demonstration(tmp_path / "demo", CASES)


def test_a_first_start_fills_the_library_and_embeds_what_came(tmp_path: Path, demo: Path) -> None:
    embedder = PictureEmbedder()
    with library_at_work(tmp_path / "library", embedder, demonstration=demo) as (desk, library):
        assert library.count() == CASES
        wait_until(lambda: not desk.embedding_state().running)
        assert desk.embedding_state().complete
        hits = desk.ask(CaseQuestion(text="heart", k=CASES)).hits
        assert len(hits) == CASES
        assert all(hit.case.synthetic for hit in hits)
    assert len(embedder.embedded) == 2 * CASES


def test_embeddings_that_are_shipped_are_not_made_again(tmp_path: Path, demo: Path) -> None:
    """Searched at once: no radiograph is embedded, in neither space."""
    embedder = PictureEmbedder()
    shipped = ship_embeddings(demo, *spaces_of(embedder))
    with library_at_work(tmp_path / "library", embedder, demonstration=demo) as (desk, library):
        assert desk.embedding_state().complete
        wait_until(lambda: not desk.embedding_state().running)
        _, vectors = library.embeddings(embedder.model_digest)
        assert sorted(vectors[:, 0]) == sorted(shipped[embedder.model_digest][:, 0])
    assert embedder.embedded == []
    assert vectors.shape[1] != DIMENSIONS  # they are the shipped ones indeed


def test_what_somebody_removed_does_not_come_back_at_the_next_start(
    tmp_path: Path, demo: Path
) -> None:
    embedder = PictureEmbedder()
    with library_at_work(tmp_path / "library", embedder, demonstration=demo) as (_, library):
        library.remove(library.ids().tolist())
    with library_at_work(tmp_path / "library", embedder, demonstration=demo) as (_, library):
        assert library.count() == 0


@pytest.mark.parametrize("broken", ["missing", "damaged", "not wanted"])
def test_without_its_demonstration_a_library_is_empty_and_works(
    tmp_path: Path, demo: Path, broken: str, caplog: pytest.LogCaptureFixture
) -> None:
    folder: Path | None = demo
    if broken == "missing":
        folder = tmp_path / "not there"
    elif broken == "damaged":
        index = json.loads((demo / "demo.json").read_text())
        index["manifest"]["sha256"] = "0" * 64
        (demo / "demo.json").write_text(json.dumps(index))
    else:
        folder = None
    embedder = PictureEmbedder()
    with library_at_work(tmp_path / "library", embedder, demonstration=folder) as (desk, library):
        assert library.count() == 0
        assert desk.embedding_state().complete
        assert desk.ask(CaseQuestion(text="heart")).hits == ()
    assert ("not filled" in caplog.text) == (broken == "damaged")


def test_without_a_model_the_library_is_filled_all_the_same(tmp_path: Path, demo: Path) -> None:
    at_work = library_at_work(tmp_path / "library", None, "No clip/ model.", demo)
    with at_work as (desk, library):
        assert library.count() == CASES
        assert desk.why_no_search == "No clip/ model."
        assert not desk.embedding_state().running
