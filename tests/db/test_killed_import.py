import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np

from daug.case_desk import CaseQuestion
from daug.loading import load_radiograph
from db.database import DATABASE_FILE
from db.desk import open_desk
from db.embedding_run import embed_library
from db.library import Library, init_library, open_library
from db.manifest_source import ManifestSource
from db.sweeping import leftovers, orphans
from tests.db.drawn import row, write_manifest
from tests.db.embedders import PictureEmbedder

REPOSITORY = Path(__file__).parents[2]
MOMENTS = 30
CASES = 60
# Forks after everything is imported, so that each of thirty imports starts at once. What comes in
# is embedded in the background meanwhile, so a kill hits both.
SCRIPT = """
import os, sys
from pathlib import Path
import db.importing, db.verifying
from db import embedding_run
from db.desk import open_desk
from db.library import open_library
from db.manifest_source import ManifestSource
from tests.db.embedders import PictureEmbedder

embedding_run.BATCH = 2

def import_all(library, manifest, acknowledged):
    with open_library(Path(library)) as opened, open_desk(opened, PictureEmbedder()) as desk:
        def told(ids):
            os.write(acknowledged, b"".join(b"%d\\n" % i for i in ids) + b"+\\n")
            desk.start_embedding()
        os.write(acknowledged, b"start\\n")
        opened.import_from(lambda key, spare: ManifestSource(Path(manifest), key),
                           batch=3, workers=2, on_added=told)
    os.write(acknowledged, b"end\\n")

for line in sys.stdin:
    library, manifest, log = line.rstrip("\\n").split("\\t")
    child = os.fork()
    if child == 0:
        import_all(library, manifest, os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND))
        os._exit(0)
    print(child, flush=True)
    os.waitpid(child, 0)
    print("gone", flush=True)
"""


def lines(log: Path) -> list[str]:
    return log.read_text().splitlines() if log.exists() else []


def test_an_import_killed_at_thirty_moments_loses_no_acknowledged_case_and_leaves_no_half_one(
    tmp_path: Path,
) -> None:
    """SIGKILL of a real process, each time a little further into an import that goes on.

    It embeds what comes in. Afterwards every case is embedded as if nothing had happened, and a
    search agrees with a comparison of all.
    """
    manifest = write_manifest(
        tmp_path, [row(seed, image=f"images/{seed}.jpg") for seed in range(CASES)]
    )
    folder = tmp_path / "library"
    init_library(folder).close()
    chance = random.Random(0)
    starter = subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
    )
    assert starter.stdin is not None
    assert starter.stdout is not None
    acknowledged: set[int] = set()
    killed_at_work = unfinished = embedded_at_a_kill = 0
    embedder = PictureEmbedder()
    with starter:
        for moment in range(MOMENTS):
            log = tmp_path / f"acknowledged-{moment}"
            starter.stdin.write(f"{folder}\t{manifest}\t{log}\n")
            starter.stdin.flush()
            child = int(starter.stdout.readline())
            wait_for(log, batches=chance.randrange(6))
            time.sleep(chance.uniform(0, 0.03))  # anywhere between two commits
            kill(child)
            assert starter.stdout.readline() == "gone\n"
            told = lines(log)
            killed_at_work += "end" not in told
            acknowledged |= {int(line) for line in told if line.isdecimal()}
            unfinished += bool(leftovers(folder))
            with open_library(folder) as library:
                present = set(library.ids().tolist())
                assert acknowledged <= present, f"a case told of was lost at moment {moment}"
                embedded_at_a_kill += (
                    0 < library.embedded_count(embedder.model_digest) < len(present)
                )
                for case in library.cases(sorted(present)):
                    assert library.original(case.case_id).is_file()
                    assert library.thumbnail(case).is_file()
            if "end" in told:  # all are in: begin with an empty library again
                shutil.rmtree(folder)
                init_library(folder).close()
                acknowledged.clear()
        starter.stdin.close()
    assert killed_at_work >= MOMENTS // 2, "most imports were over before they were killed"
    assert unfinished >= MOMENTS // 2, "no kill left anything to clean up"
    assert embedded_at_a_kill, "no kill came between two batches of embeddings"
    with open_library(folder) as library:
        report = library.import_from(lambda key, spare: ManifestSource(manifest, key))
        assert len(report.imported) + len(report.duplicates) == CASES
        assert library.count() == CASES
        verdict = library.verify(deep=True)
        assert verdict.consistent, verdict.problems
        assert leftovers(folder) == []
        pixels = {case.pixel_digest for case in library.cases(library.ids().tolist())}
        embed_library(library, embedder)
        check_embeddings_and_search(library, embedder)
    assert pixels == {load_radiograph(path).digest for path in (tmp_path / "images").iterdir()}
    assert (folder / DATABASE_FILE).is_file()


def check_embeddings_and_search(library: Library, embedder: PictureEmbedder) -> None:
    """Hold every stored vector against its own case's picture, and a search against all of them."""
    ids, vectors = library.embeddings(embedder.model_digest)
    assert ids.tolist() == library.ids().tolist()
    for case_id, vector in zip(ids.tolist(), vectors, strict=True):
        own = embedder.embed(load_radiograph(library.original(case_id))).vector
        np.testing.assert_array_equal(vector, own)
    with open_desk(library, embedder) as desk:
        for case_id, vector in zip(ids.tolist()[:10], vectors, strict=False):
            hits = desk.ask(CaseQuestion(case_id=case_id, k=CASES)).hits
            cosines = vectors.astype(np.float64) @ vector
            cosines[ids == case_id] = -2  # itself, and nobody else is of its patient
            expected = ids[np.argsort(-cosines, kind="stable")][:-1]
            assert [hit.case.case_id for hit in hits] == expected.tolist()


def wait_for(log: Path, batches: int) -> None:
    """Wait until so many transactions were acknowledged since the start, or the end came."""
    until = time.monotonic() + 60
    while not (told := log.read_text() if log.exists() else "") or (
        told.count("+") < batches and "end" not in told
    ):
        assert time.monotonic() < until, "the import did not come that far"
        time.sleep(0.001)


def kill(process: int) -> None:
    with suppress(ProcessLookupError):  # it was done already
        os.kill(process, signal.SIGKILL)


KILLED_BETWEEN = """
import os, signal, sys
from pathlib import Path
from db import importing
from db.library import open_library
from db.manifest_source import ManifestSource

entered = []
def enter(*arguments):
    entered.append(arguments)
    if len(entered) == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return really(*arguments)
really, importing.enter = importing.enter, enter
with open_library(Path(sys.argv[1])) as opened:
    opened.import_from(lambda key, spare: ManifestSource(Path(sys.argv[2]), key), batch=3)
"""


def test_files_whose_rows_were_never_committed_are_swept_by_the_next_import(
    tmp_path: Path,
) -> None:
    """Killed at the fifth case: the second batch's files are in their places, its rows are not."""
    manifest = write_manifest(tmp_path, [row(seed) for seed in range(8)])
    folder = tmp_path / "library"
    init_library(folder).close()
    command = [sys.executable, "-c", KILLED_BETWEEN, str(folder), str(manifest)]
    assert subprocess.run(command, cwd=REPOSITORY).returncode == -signal.SIGKILL
    with open_library(folder) as library:
        assert library.count() == 3
        lost = orphans(library.engine, folder)
        assert len(lost) == 6  # an original and a thumbnail each
        assert not library.verify().consistent
        fresh = write_manifest(tmp_path / "others", [row(seed) for seed in range(20, 22)])
        library.import_from(lambda key, spare: ManifestSource(fresh, key))
        assert not any(path.exists() for path in lost)
        assert library.verify().consistent
