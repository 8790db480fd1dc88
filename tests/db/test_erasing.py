import json
from pathlib import Path

import numpy as np
import pytest

from daug.case_query import CaseFilter
from daug.errors import LibraryError
from daug.findings import Finding
from db.database import writing
from db.library import Library
from db.schema import HeatmapRow
from db.stored_files import HEATMAPS, place_of, sharing
from tests.db.drawn import import_rows, row

MODEL = "a" * 64
RARE = "Quixotiform zyzzogeton opacity beside the hilum"
LONG = " ".join(f"sentence{n} nemotaxic" for n in range(700))  # spills over several pages


def everything(folder: Path) -> bytes:
    return b"".join(
        path.name.encode() + path.read_bytes() for path in folder.rglob("*") if path.is_file()
    )


def filled(library: Library, tmp_path: Path) -> list[int]:
    """Patient p1 with two cases, and others, with everything that can hang on a case."""
    rows = [
        row(1, report=f"{RARE}. {LONG}", **{Finding.EDEMA: "1"}),
        row(2, patient_id="p1", report="Follow-up: zyzzogeton opacity resolved entirely."),
        *(
            row(seed, report="No acute cardiopulmonary process is seen today.")
            for seed in range(3, 9)
        ),
    ]
    ids = import_rows(library, tmp_path, rows).imported
    vectors = np.random.default_rng(0).normal(size=(len(ids), 32)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    library.store_embeddings(MODEL, dict(zip(ids, vectors, strict=True)))
    library.log_query({"text": "edema", "k": 2}, [(ids[0], 0.9), (ids[4], 0.8)], 0.1)
    library.log_query({"text": "other"}, [(ids[5], 0.8)], 0.1)
    library.log_query({"text": "like this case"}, [(ids[5], 0.8)], 0.1, case_id=ids[1])
    library.save_search("mine", {"text": RARE})
    library.save_search("ours", {"text": "edema"})
    library.add_to("tag", "teaching", ids[:3])
    (library.folder.path / "index").mkdir()
    (library.folder.path / "index" / "vectors.faiss").write_bytes(vectors.tobytes())
    heatmap = place_of(library.folder.path, HEATMAPS, "b" * 64, "npz")
    heatmap.parent.mkdir(parents=True)
    heatmap.write_bytes(b"a drawn map of the patient")
    with writing(library.engine) as connection:
        connection.execute(
            HeatmapRow.__table__.insert().values(  # type: ignore[attr-defined]
                radiograph_id=ids[0],
                bundle_digest="c" * 64,
                recipe_digest="d" * 64,
                recipe={},
                file_digest="b" * 64,
                suffix="npz",
            )
        )
    return ids


def test_nothing_of_an_erased_patient_is_in_any_byte_of_the_folder(
    library: Library, tmp_path: Path
) -> None:
    ids = filled(library, tmp_path)
    one, two = library.cases(ids[:2])
    kept = library.cases(ids[2:])
    _, vectors = library.embeddings(MODEL)
    originals = [library.original(case_id).name for case_id in ids[:2]]
    traces = [
        *(word.encode() for word in (RARE, "zyzzogeton", "nemotaxic", "sentence350")),
        *(case.pixel_digest.encode() for case in (one, two)),
        *(name.partition(".")[0].encode() for name in originals),
        str(one.patient).encode(),
        vectors[0].tobytes()[:40],
        vectors[1].tobytes()[:40],
        b"a drawn map of the patient",
    ]
    before = everything(library.folder.path)
    assert all(trace in before for trace in traces), "a trace that was never there proves nothing"
    erased = library.erase_patient(str(one.patient))
    assert erased.cases == ids[:2]
    after = everything(library.folder.path)
    assert [trace for trace in traces if trace in after] == []
    assert library.cases(ids) == kept
    assert [logged.query["text"] for logged in library.logged_queries()] == ["other"]
    assert list(library.saved_searches()) == ["ours"]
    assert library.ids(CaseFilter(words="zyzzogeton")).tolist() == []
    assert library.ids(CaseFilter(words="acute process")).tolist() == ids[2:]
    assert library.embeddings(MODEL)[0].tolist() == ids[2:]
    assert library.verify(deep=True).consistent


def test_a_patient_who_is_not_there_is_a_sentence(library: Library, tmp_path: Path) -> None:
    filled(library, tmp_path)
    with pytest.raises(LibraryError, match="No patient of the library has the pseudonym"):
        library.erase_patient("0" * 32)
    assert library.count() == 8


def test_what_was_missed_is_found_and_said(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The verification reads the folder itself: a note that somebody left there is noticed."""
    ids = filled(library, tmp_path)
    case = library.case(ids[0])
    (library.folder.path / "notes.json").write_text(json.dumps({"of": case.patient}))
    with pytest.raises(LibraryError, match=r"notes\.json still holds something of the patient"):
        library.erase_patient(str(case.patient))


def test_nobody_is_erased_while_somebody_adds(library: Library, tmp_path: Path) -> None:
    ids = filled(library, tmp_path)
    with sharing(library.folder.path), pytest.raises(LibraryError, match="adding to the library"):
        library.erase_patient(str(library.case(ids[0]).patient))
    assert library.count() == 8


def test_an_erasure_cut_short_is_finished_at_the_next_start(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = filled(library, tmp_path)
    case = library.case(ids[0])
    original = library.original(ids[0])

    def killed(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("db.removing.delete_files", killed)
    with pytest.raises(KeyboardInterrupt):
        library.erase_patient(str(case.patient))
    monkeypatch.undo()
    assert original.exists()
    import_rows(library, tmp_path / "more", [row(99)])
    assert not original.exists()
    assert b"zyzzogeton" not in everything(library.folder.path)
    assert library.verify().consistent


def test_removing_one_case_leaves_the_others_and_no_file_behind(
    library: Library, tmp_path: Path
) -> None:
    ids = filled(library, tmp_path)
    removed, others = library.case(ids[0]), library.cases(ids[1:])
    original, thumbnail = library.original(ids[0]), library.thumbnail(removed)
    generation, of_model = library.generation, library.embedding_generation(MODEL)
    library.remove([ids[0]])
    assert not original.exists()
    assert not thumbnail.exists()
    assert library.cases(ids) == others
    assert library.embeddings(MODEL)[0].tolist() == ids[1:]
    assert library.generation > generation
    assert library.embedding_generation(MODEL) != of_model
    assert library.verify().consistent
    (again,) = import_rows(library, tmp_path, [row(1)]).imported
    assert again not in ids  # the number of a removed case is not given again


def test_removing_a_case_that_is_not_there_removes_nothing(
    library: Library, tmp_path: Path
) -> None:
    ids = filled(library, tmp_path)
    with pytest.raises(LibraryError, match="no case 999; nothing was removed"):
        library.remove([ids[0], 999])
    assert library.count() == 8
