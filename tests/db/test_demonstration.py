"""A new library is filled with the demonstration's cases once, whole, and never against anybody."""

import csv
import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from daug.case import FindingState, ReportKind
from daug.errors import LibraryError
from daug.findings import Finding
from daug.import_report import Progress
from daug.loading.synthetic import SYNTHETIC_KEY
from daug.shipped import EMBEDDINGS_FILE, pack_embeddings
from db import demonstration
from db.demonstration import MARK_FILE, fill_demonstration
from db.file_sources import FilesSource
from db.library import Library, init_library, open_library
from tests.db.drawn import chest, import_rows, row, write_manifest, write_picture

REPOSITORY = Path(__file__).parents[2]
SHIPPED = REPOSITORY / "assets" / "demo"
CASES = 100  # more than an import enters at once
MODEL, OTHER, THIRD = "a" * 64, "b" * 64, "c" * 64


def write_demonstration(folder: Path, cases: int = CASES) -> Path:
    """Write cases as `daug bundle demo` does; the last two are of one patient."""
    folder.mkdir(parents=True)
    patients = [*range(cases - 1), cases - 2]
    rows = [
        row(
            seed,
            image=f"{seed}.png",
            dataset="daug-synthetic",
            patient_id=f"p{patient}",
            study_order="2" if seed == cases - 1 else "1",
            report=f"Synthetic radiograph; {seed}.",
            report_kind="template",
            synthetic="1",
            **{Finding.PNEUMONIA.value: "1", Finding.NO_FINDING.value: "0"},
        )
        for seed, patient in enumerate(patients)
    ]
    write_manifest(folder, rows)
    write_index(folder, rows)
    return folder


def write_index(folder: Path, rows: Sequence[dict[str, str]]) -> None:
    index = {
        "manifest": listed(folder, "manifest.csv"),
        "cases": [{"id": one["id"], **listed(folder, one["image"])} for one in rows],
        "shipped": [],
    }
    (folder / "demo.json").write_text(json.dumps(index))


def listed(folder: Path, name: str) -> dict[str, str]:
    return {"file": name, "sha256": hashlib.sha256((folder / name).read_bytes()).hexdigest()}


def ship_embeddings(folder: Path, *models: str) -> dict[str, NDArray[np.float32]]:
    """Add unit vectors of every case by some models, as `daug bundle demo-embed` does."""
    index = json.loads((folder / "demo.json").read_text())
    ids = [case["id"] for case in index["cases"]]
    vectors = {}
    for number, model in enumerate(models):
        rows = np.random.default_rng(number).normal(size=(len(ids), 8 + number))
        vectors[model] = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    (folder / EMBEDDINGS_FILE).write_bytes(pack_embeddings(ids, vectors))
    index["shipped"] = [{**listed(folder, EMBEDDINGS_FILE), "models": list(models)}]
    (folder / "demo.json").write_text(json.dumps(index))
    return vectors


def vector_of(library: Library, model: str, source_id: str) -> NDArray[np.float32]:
    numbers, vectors = library.embeddings(model)
    place = [case.source_id for case in library.cases(numbers.tolist())].index(source_id)
    return np.asarray(vectors[place])


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demonstration without embeddings; not to be changed."""
    return write_demonstration(tmp_path_factory.mktemp("demo") / "demo")


def test_every_case_is_synthetic_in_the_library_and_its_report_a_template(
    library: Library, demo: Path
) -> None:
    seen: list[Progress] = []
    told = fill_demonstration(library, demo, on_progress=seen.append)
    assert (told.filled, told.imported, told.left_alone) == (True, CASES, "")
    assert seen[-1].done == seen[-1].total == CASES
    cases = library.cases(library.ids().tolist())
    assert [case.source_id for case in cases] == [f"id{seed}" for seed in range(CASES)]
    assert all(case.synthetic for case in cases)
    assert {case.report_kind for case in cases} == {ReportKind.TEMPLATE}
    assert {case.source for case in cases} == {"daug-synthetic"}
    assert cases[0].state(Finding.PNEUMONIA) is FindingState.PRESENT
    assert cases[0].state(Finding.NO_FINDING) is FindingState.ABSENT
    assert cases[0].state(Finding.EDEMA) is FindingState.NOT_MENTIONED
    followed = library.same_patient(cases[-1].case_id)
    assert [case.source_id for case in followed] == [f"id{CASES - 2}", f"id{CASES - 1}"]
    assert library.verify(deep=True).consistent


def test_a_library_with_a_case_of_its_own_is_left_alone(
    library: Library, demo: Path, tmp_path: Path
) -> None:
    import_rows(library, tmp_path / "mine", [row(5000)])
    told = fill_demonstration(library, demo, [MODEL])
    assert not told.filled
    assert "cases of its own" in told.left_alone
    assert library.count() == 1
    assert not (library.folder.path / MARK_FILE).exists()


def test_a_library_that_somebody_emptied_stays_empty(
    library: Library, demo: Path, tmp_path: Path
) -> None:
    import_rows(library, tmp_path / "mine", [row(5000)])
    library.remove(library.ids().tolist())
    assert not fill_demonstration(library, demo).filled
    assert library.count() == 0


def test_filling_twice_changes_nothing_and_removed_cases_do_not_come_back(
    library: Library, demo: Path
) -> None:
    fill_demonstration(library, demo)
    generation = library.generation
    again = fill_demonstration(library, demo)
    assert not again.filled
    assert "before" in again.left_alone
    assert library.generation == generation
    library.remove([3, 4])
    assert not fill_demonstration(library, demo).filled
    assert library.count() == CASES - 2
    library.remove(library.ids().tolist())
    assert not fill_demonstration(library, demo).filled
    assert library.count() == 0


def test_without_its_mark_a_filled_library_is_left_alone_too(library: Library, demo: Path) -> None:
    """A restored backup holds the cases, but not the mark."""
    fill_demonstration(library, demo)
    library.remove([3])
    (library.folder.path / MARK_FILE).unlink()
    assert not fill_demonstration(library, demo).filled
    assert library.count() == CASES - 1


KILLED = """
import os, signal, sys
from pathlib import Path
from db import demonstration
from db.library import init_library

library, demo, moment, model = sys.argv[1:]

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

real_mark = demonstration._mark
def mark(library, state, digest):
    if moment == "before the last mark" and state == demonstration.DONE:
        die()
    real_mark(library, state, digest)
    if moment == "after the first mark":
        die()

demonstration._mark = mark
if moment == "before embeddings":
    demonstration._store_shipped = die
progress = die if moment == "in the import" else None
demonstration.fill_demonstration(init_library(Path(library)), Path(demo), [model], progress)
"""


@pytest.mark.parametrize(
    ("moment", "there"),
    [
        ("after the first mark", 0),
        ("in the import", 64),
        ("before embeddings", CASES),
        ("before the last mark", CASES),
    ],
)
def test_a_filling_that_was_killed_goes_on_and_ends_with_every_case_once(
    tmp_path: Path, moment: str, there: int
) -> None:
    demo = write_demonstration(tmp_path / "demo")
    vectors = ship_embeddings(demo, MODEL)
    folder = tmp_path / "library"
    words = [sys.executable, "-c", KILLED, str(folder), str(demo), moment, MODEL]
    killed = subprocess.run(words, cwd=REPOSITORY, env=os.environ, check=False, timeout=120)
    assert killed.returncode == -signal.SIGKILL
    with open_library(folder) as library:
        assert library.count() == there
        told = fill_demonstration(library, demo, [MODEL])
        assert told.filled
        assert told.imported == CASES - there
        ids = [case.source_id for case in library.cases(library.ids().tolist())]
        assert sorted(ids) == sorted(f"id{seed}" for seed in range(CASES))
        assert told.to_embed == {MODEL: ()}
        np.testing.assert_array_equal(vector_of(library, MODEL, "id7"), vectors[MODEL][7])
        assert library.verify(deep=True).consistent
        assert not fill_demonstration(library, demo, [MODEL]).filled


@pytest.mark.parametrize("change", ["removed", "imported"])
def test_a_filling_is_not_gone_on_with_once_somebody_changed_the_cases(
    library: Library, demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(demonstration, "_store_shipped", interrupt)
        with pytest.raises(KeyboardInterrupt):
            fill_demonstration(library, demo)
    if change == "removed":
        library.remove([2])
    else:
        import_rows(library, tmp_path / "mine", [row(5000)])
    before = library.ids().tolist()
    told = fill_demonstration(library, demo)
    assert "added or removed" in told.left_alone
    assert library.ids().tolist() == before


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_only_vectors_of_the_models_asked_for_are_stored(library: Library, tmp_path: Path) -> None:
    demo = write_demonstration(tmp_path / "demo")
    vectors = ship_embeddings(demo, MODEL, OTHER)
    told = fill_demonstration(library, demo, [OTHER, THIRD])
    assert told.embedded == {OTHER: CASES}
    assert told.to_embed == {OTHER: (), THIRD: tuple(library.ids().tolist())}
    assert told.warnings == ()
    assert len(library.embeddings(MODEL)[0]) == 0
    assert len(library.embeddings(THIRD)[0]) == 0
    for seed in (0, 41, CASES - 1):
        found = vector_of(library, OTHER, f"id{seed}")
        np.testing.assert_array_equal(found, vectors[OTHER][seed])


@pytest.mark.parametrize("damage", ["changed", "missing", "not ours"])
def test_damaged_embeddings_are_not_used_and_the_cases_are_there_all_the_same(
    library: Library, tmp_path: Path, damage: str
) -> None:
    demo = write_demonstration(tmp_path / "demo", cases=4)
    ship_embeddings(demo, MODEL)
    path = demo / EMBEDDINGS_FILE
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1] + b"\0" if damage == "changed" else b"nonsense")
    if damage == "not ours":  # a digest that agrees with what is no such file
        index = json.loads((demo / "demo.json").read_text())
        index["shipped"][0]["sha256"] = listed(demo, EMBEDDINGS_FILE)["sha256"]
        (demo / "demo.json").write_text(json.dumps(index))
    told = fill_demonstration(library, demo, [MODEL])
    assert (told.filled, told.imported, told.embedded) == (True, 4, {})
    assert told.to_embed == {MODEL: (1, 2, 3, 4)}
    assert len(told.warnings) == 1
    assert "embedded anew" in told.warnings[0]


@pytest.mark.parametrize("name", ["2.png", "manifest.csv"])
def test_a_changed_file_is_found_before_the_library_is_touched(
    library: Library, tmp_path: Path, name: str
) -> None:
    demo = write_demonstration(tmp_path / "demo", cases=4)
    with (demo / name).open("ab") as file:
        file.write(b"\n")
    with pytest.raises(LibraryError, match=f"{name}: was changed"):
        fill_demonstration(library, demo)
    assert library.count() == 0
    assert not (library.folder.path / MARK_FILE).exists()


def test_a_folder_without_a_demonstration_is_refused(library: Library, tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="holds no demonstration cases"):
        fill_demonstration(library, tmp_path)
    (tmp_path / "demo.json").write_text("{}")
    with pytest.raises(LibraryError, match="is not whole"):
        fill_demonstration(library, tmp_path)


def test_a_picture_that_says_it_is_synthetic_is_synthetic_however_it_was_imported(
    library: Library, tmp_path: Path
) -> None:
    info = PngInfo()
    info.add_text(SYNTHETIC_KEY, "yes")
    Image.fromarray(chest(1)).save(tmp_path / "drawn.png", pnginfo=info)
    write_picture(tmp_path / "taken.png", seed=2)
    library.import_from(
        lambda key, spare: FilesSource([tmp_path / "drawn.png", tmp_path / "taken.png"])
    )
    assert [case.synthetic for case in library.cases(library.ids().tolist())] == [True, False]


def test_the_shipped_demonstration_fills_a_library_whole(tmp_path: Path) -> None:
    library = init_library(tmp_path / "library")
    index = json.loads((SHIPPED / "demo.json").read_text(encoding="utf-8"))
    models = [model for one in index["shipped"] for model in one.get("models", ())]
    told = fill_demonstration(library, SHIPPED, [THIRD, *models])
    assert told.filled
    assert told.warnings == ()
    assert told.imported == library.count() >= 240
    assert models
    assert told.embedded == dict.fromkeys(models, library.count())
    left = {model for model, numbers in told.to_embed.items() if numbers}
    assert left == {THIRD}
    cases = {case.source_id: case for case in library.cases(library.ids().tolist())}
    assert all(case.synthetic for case in cases.values())
    assert {case.report_kind for case in cases.values()} == {ReportKind.TEMPLATE}
    with (SHIPPED / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {one["id"] for one in rows} == set(cases)
    for one in rows:
        said = {f.value: str(label) for f, label in cases[one["id"]].labels.items()}
        assert said == {f.value: one[f.value] for f in Finding if one[f.value]}
    second = [one["id"] for one in rows if one["study_order"] == "2"]
    assert len(second) >= 15
    for name in second:
        before, after = library.same_patient(cases[name].case_id)
        assert (before.source_id, after.source_id) == (f"{name[:-1]}1", name)
    assert library.verify(deep=True).consistent
    library.close()
