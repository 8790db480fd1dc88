import signal
import subprocess
import sys
import threading
from pathlib import Path
from time import monotonic, sleep

import numpy as np
import pytest

from daug.errors import LibraryError
from daug.import_report import Progress
from db import embedding_run
from db.background_embedding import BackgroundEmbedding
from db.desk import LibraryDesk
from db.embedding_run import EmbeddingReport, embed_library
from db.library import Library, open_library
from db.turns import Turns
from tests.db.drawn import import_rows, row
from tests.db.embedders import PictureEmbedder

REPOSITORY = Path(__file__).parents[2]
PATIENCE = 60.0  # seconds; nothing here takes one


@pytest.fixture
def filled(library: Library, tmp_path: Path) -> Library:
    """A library of eight cases."""
    import_rows(library, tmp_path / "files", [row(seed) for seed in range(8)])
    return library


def wait_until(so: object) -> None:
    assert callable(so)
    until = monotonic() + PATIENCE
    while not so():
        assert monotonic() < until
        sleep(0.002)


def test_every_case_is_embedded_once_in_both_spaces_and_the_newest_first(filled: Library) -> None:
    embedder = PictureEmbedder()
    report = embed_library(filled, embedder)
    assert report.embedded == [8, 7, 6, 5, 4, 3, 2, 1]
    assert embedder.digest_without_heat is not None
    digests = [filled.case(i).pixel_digest for i in report.embedded]
    assert embedder.embedded == [(d, without) for d in digests for without in (False, True)]
    for digest in (embedder.model_digest, embedder.digest_without_heat):
        ids, vectors = filled.embeddings(digest)
        assert ids.tolist() == list(range(1, 9))
        assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-6)
    assert embed_library(filled, embedder).embedded == []


def test_a_model_that_reads_no_maps_has_one_space(filled: Library) -> None:
    embedder = PictureEmbedder(heat=False)
    embed_library(filled, embedder)
    assert len(embedder.embedded) == 8


def test_a_space_that_came_later_is_filled_without_embedding_the_other_again(
    filled: Library,
) -> None:
    embed_library(filled, PictureEmbedder(heat=False))
    later = PictureEmbedder()
    embed_library(filled, later)
    assert {without for _, without in later.embedded} == {True}
    assert len(later.embedded) == 8


KILLED = """
import os, signal, sys
from pathlib import Path
from db import embedding_run
from db.library import open_library
from tests.db.embedders import PictureEmbedder

embedding_run.BATCH = 3
embedder = PictureEmbedder(heat=False)
def dying():
    if len(embedder.embedded) == 7:
        os.kill(os.getpid(), signal.SIGKILL)
embedder.before = dying
with open_library(Path(sys.argv[1])) as library:
    embedding_run.embed_library(library, embedder)
"""


def test_a_run_that_was_killed_goes_on_where_its_last_batch_ended(
    filled: Library, tmp_path: Path
) -> None:
    folder = filled.folder.path
    command = [sys.executable, "-c", KILLED, str(folder)]
    assert subprocess.run(command, cwd=REPOSITORY).returncode == -signal.SIGKILL
    with open_library(folder) as again:
        embedder = PictureEmbedder(heat=False)
        assert again.embedded_count(embedder.model_digest) == 6
        assert embed_library(again, embedder).embedded == [2, 1]
        assert len(embedder.embedded) == 2
        untroubled = PictureEmbedder(heat=False)
        _, vectors = again.embeddings(embedder.model_digest)
        embed_library(again, untroubled, again=True)
        np.testing.assert_array_equal(again.embeddings(embedder.model_digest)[1], vectors)


def test_a_run_stops_after_the_case_under_way_and_keeps_what_is_done(filled: Library) -> None:
    embedder = PictureEmbedder()
    report = embed_library(filled, embedder, stop=lambda: len(embedder.embedded) >= 6)
    assert report.stopped
    assert report.embedded == [8, 7, 6]
    assert filled.embedded_count(embedder.model_digest) == 3


def test_ctrl_c_loses_nothing_that_is_done(filled: Library) -> None:
    embedder = PictureEmbedder(heat=False)

    def interrupted() -> None:
        if len(embedder.embedded) == 5:
            raise KeyboardInterrupt

    embedder.before = interrupted
    with pytest.raises(KeyboardInterrupt):
        embed_library(filled, embedder)
    assert filled.embedded_count(embedder.model_digest) == 5


def test_a_case_that_cannot_be_embedded_is_passed_over_with_its_reason(filled: Library) -> None:
    embedder = PictureEmbedder()
    embedder.refused = {filled.case(5).pixel_digest}
    filled.original(3).write_bytes(b"no picture")
    report = embed_library(filled, embedder)
    assert report.embedded == [8, 7, 6, 4, 2, 1]
    assert [skipped.file for skipped in report.skipped] == ["5", "3"]
    assert "not numbers" in report.skipped[0].reason
    assert report.sentence.startswith("2 cases could not be embedded")


def test_a_case_that_is_removed_while_it_is_embedded_stays_gone(filled: Library) -> None:
    embedder = PictureEmbedder()

    def remove_one() -> None:
        if len(embedder.embedded) == 6:
            filled.remove([8, 1])  # one that waits to be stored, one that is still to come

    embedder.before = remove_one
    report = embed_library(filled, embedder)
    assert filled.embeddings(embedder.model_digest)[0].tolist() == [2, 3, 4, 5, 6, 7]
    assert report.skipped == []


def test_cases_that_come_in_meanwhile_are_embedded_too(filled: Library, tmp_path: Path) -> None:
    embedder = PictureEmbedder()

    def one_more() -> None:
        if len(embedder.embedded) == 6:
            import_rows(filled, tmp_path / "late", [row(99)])

    embedder.before = one_more
    assert 9 in embed_library(filled, embedder).embedded
    assert filled.embedded_count(embedder.model_digest) == 9


def test_a_choice_of_cases_is_embedded_alone(filled: Library) -> None:
    embedder = PictureEmbedder()
    assert embed_library(filled, embedder, only=[2, 7]).embedded == [7, 2]


def test_progress_tells_rate_and_seconds_left(filled: Library) -> None:
    told: list[Progress] = []
    embed_library(filled, PictureEmbedder(), on_progress=told.append)
    assert [(now.done, now.total) for now in told] == [(n, 8) for n in range(1, 9)]
    assert all(now.rate > 0 for now in told)
    assert told[0].seconds_left > 0
    assert told[-1].seconds_left == 0


def test_a_full_disk_ends_the_run_with_a_sentence_and_keeps_what_was_stored(
    filled: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding_run, "BATCH", 3)
    stored = filled.keep_embeddings
    calls: list[int] = []

    def full(vectors: embedding_run.Vectors) -> None:
        calls.append(1)
        if len(calls) > 1:
            raise LibraryError("The library's database answered: full.")
        stored(vectors)

    monkeypatch.setattr(filled, "keep_embeddings", full)
    embedder = PictureEmbedder()
    with pytest.raises(LibraryError, match="full"):
        embed_library(filled, embedder)
    assert filled.embedded_count(embedder.model_digest) == 3


# In the background


def test_the_background_embeds_everything_tells_how_far_it_is_and_ends(filled: Library) -> None:
    embedder, paused, going = PictureEmbedder(), threading.Event(), threading.Event()

    def pause() -> None:
        if len(embedder.embedded) == 6:
            paused.set()
            assert going.wait(PATIENCE)

    embedder.before = pause
    desk = LibraryDesk(filled, embedder)
    try:
        assert desk.embedding_state().embedded == 0
        desk.start_embedding()
        assert paused.wait(PATIENCE)
        desk.start_embedding()  # nothing: it is under way
        state = desk.embedding_state()
        assert (state.running, state.total, state.complete) == (True, 8, False)
        assert state.seconds_left is not None
        assert state.seconds_left > 0
        going.set()
        wait_until(lambda: not desk.embedding_state().running)
        assert desk.embedding_state().complete
        assert desk.embedding_state().failed == ""
        assert len(embedder.embedded) == 16
    finally:
        going.set()
        desk.close()


def test_the_background_stops_after_the_case_under_way_and_starts_again(filled: Library) -> None:
    embedder, paused, going = PictureEmbedder(heat=False), threading.Event(), threading.Event()

    def pause() -> None:
        if len(embedder.embedded) == 2:
            paused.set()
            assert going.wait(PATIENCE)

    embedder.before = pause
    desk = LibraryDesk(filled, embedder)
    try:
        desk.start_embedding()
        assert paused.wait(PATIENCE)
        desk.stop_embedding()
        going.set()
        wait_until(lambda: not desk.embedding_state().running)
        assert desk.embedding_state().embedded == 3
        desk.start_embedding()
        wait_until(lambda: not desk.embedding_state().running)
        assert desk.embedding_state().complete
        assert len(embedder.embedded) == 8
    finally:
        going.set()
        desk.close()


def test_what_the_background_passed_over_or_died_of_is_told_in_a_sentence(
    filled: Library,
) -> None:
    embedder = PictureEmbedder()
    embedder.refused = {filled.case(5).pixel_digest}
    desk = LibraryDesk(filled, embedder)
    try:
        desk.start_embedding()
        wait_until(lambda: not desk.embedding_state().running)
        assert desk.embedding_state().failed.startswith("1 case could not be embedded")

        def out_of_memory() -> None:
            raise RuntimeError("not enough memory")

        embedder.before = out_of_memory
        desk.start_embedding()
        wait_until(lambda: not desk.embedding_state().running)
        assert desk.embedding_state().failed == "The embedding stopped: not enough memory"
        embedder.before = lambda: None
        embedder.refused = set()
        desk.start_embedding()
        wait_until(lambda: not desk.embedding_state().running)
        assert desk.embedding_state().failed == ""
        assert desk.embedding_state().complete
    finally:
        desk.close()


def test_a_start_during_the_last_look_is_not_lost() -> None:
    """Whoever adds a case just before a run ends still has it embedded."""
    runs: list[int] = []
    ending, go_on = threading.Event(), threading.Event()

    def run(stop: object, told: object) -> EmbeddingReport:
        runs.append(len(runs))
        if len(runs) == 1:
            ending.set()
            assert go_on.wait(PATIENCE)
        return EmbeddingReport()

    background = BackgroundEmbedding(run, lambda: None)
    background.start()
    assert ending.wait(PATIENCE)
    background.start()
    go_on.set()
    wait_until(lambda: not background.running)
    assert runs == [0, 1]


def test_whoever_waits_in_front_of_a_screen_goes_before_the_background() -> None:
    """However often the background comes back for a turn, it gets none before the question."""
    turns, order = Turns(), list[str]()
    asks = threading.Event()

    def work() -> None:
        for number in range(50):
            with turns.when_nobody_waits():
                order.append("work")
                if number == 3:
                    asks.set()
                    wait_until(lambda: turns._waiting)
        order.append("over")

    def ask() -> None:
        assert asks.wait(PATIENCE)
        with turns.first():
            order.append("question")

    threads = [threading.Thread(target=work), threading.Thread(target=ask)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert order.index("question") == 4
    assert order[-1] == "over"
