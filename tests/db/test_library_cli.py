import json
from pathlib import Path
from typing import Any

import pytest

from app import main
from daug.findings import Finding
from tests.db.drawn import row, write_manifest, write_picture


@pytest.fixture
def place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A folder with a library of three cases."""
    manifest = write_manifest(
        tmp_path, [row(n, report=f"Effusion {n}.", **{Finding.EDEMA: "1"}) for n in range(3)]
    )
    run("init", "--library", str(tmp_path / "library"))
    run("import", str(manifest), "--no-embed", "--library", str(tmp_path / "library"))
    capsys.readouterr()
    return tmp_path


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["library", *words])
    assert isinstance(ended.value.code, int)
    return ended.value.code


def document(capsys: pytest.CaptureFixture[str], place: Path, *words: str) -> Any:
    """What a command prints with --json; nothing else may stand on standard output."""
    code = run(*words, "--library", str(place / "library"), "--json")
    captured = capsys.readouterr()
    assert code == 0, captured.err
    assert captured.err == ""
    return json.loads(captured.out)


def test_importing_tells_what_became_of_every_file(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [row(1), row(7), row(8, split="test"), row(9, **{Finding.EDEMA: "2"})]
    manifest = write_manifest(place / "more", rows)
    told = document(capsys, place, "import", str(manifest), "--split", "train", "--no-embed")
    assert (told["imported"], told["duplicates"]) == (1, 1)
    (skipped,) = told["skipped"]
    assert skipped["file"] == "images/9.png"
    assert "must be 1, 0, -1 or blank" in skipped["reason"]
    assert told["seconds"] > 0


def test_cases_are_listed_page_by_page(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = document(capsys, place, "list", "--limit", "2", "--present", "edema")
    after = str(first["next_after"])
    second = document(capsys, place, "list", "--limit", "2", "--after", after)
    assert [case["case_id"] for case in first["cases"] + second["cases"]] == [3, 2, 1]
    assert (first["total"], second["next_after"]) == (3, None)
    assert document(capsys, place, "list", "--words", '"effusion 1"')["cases"][0]["case_id"] == 2


def test_one_case_is_added_changed_shown_and_removed(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = write_picture(place / "Name of a Person.png", 50)
    added = document(
        *(capsys, place, "add", str(picture), "--no-embed"),
        *("--present", "Fracture", "--report", "A rib."),
    )
    number = str(added["case_id"])
    assert added["findings"] == {"Fracture": {"state": "present", "source": "manual"}}
    changed = document(capsys, place, "edit", number, "--uncertain", "fracture", "--view", "AP")
    assert changed["findings"]["Fracture"]["state"] == "uncertain"
    shown = document(capsys, place, "show", number)
    assert (shown["view"], shown["report"]) == ("AP", "A rib.")
    assert Path(shown["original"]).is_file()
    assert "Person" not in json.dumps(shown)
    assert document(capsys, place, "tag", "mine", number)["cases"] == 1
    assert document(capsys, place, "collect", "ours", number)["cases"] == 1
    assert document(capsys, place, "remove", number) == {"removed": [int(number)]}
    assert document(capsys, place, "stats")["cases"] == 3
    assert document(capsys, place, "verify") == {
        "consistent": True,
        "cases": 3,
        "problems": [],
        "repaired": [],
    }


def test_a_patient_is_erased_and_the_rest_survives_backup_and_restore(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    patient = document(capsys, place, "show", "1")["patient_id"]
    erased = document(capsys, place, "erase-patient", patient)
    assert (erased["cases"], erased["verified"]) == ([1], True)
    copied = document(capsys, place, "backup", str(place / "b.tar"))
    assert copied["cases"] == 2
    assert run("restore", str(place / "b.tar"), "--library", str(place / "back")) == 0
    capsys.readouterr()
    exported = document(capsys, place, "export", "-o", str(place / "out"))
    assert exported["exported"] == 2
    assert Path(exported["manifest"]).is_file()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["show", "99"], "There is no case 99"),
        (["remove", "1", "99"], "nothing was removed"),
        (["erase-patient", "nobody"], "No patient of the library"),
        (["list", "--present", "flu"], "'flu' is no finding"),
        (["edit", "1", "--sex", "X"], "F, M, O"),
    ],
)
def test_a_failure_is_one_sentence_and_exit_code_1(
    place: Path, capsys: pytest.CaptureFixture[str], words: list[str], sentence: str
) -> None:
    assert run(*words, "--library", str(place / "library"), "--json") == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert sentence in captured.err
    assert "Traceback" not in captured.err


def test_damage_is_exit_code_1_with_the_document_all_the_same(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = document(capsys, place, "show", "2")
    Path(shown["original"]).unlink()
    assert run("verify", "--library", str(place / "library"), "--json") == 1
    captured = capsys.readouterr()
    assert json.loads(captured.out)["consistent"] is False
    assert "1 problems" in captured.err


def test_without_a_library_every_command_says_how_to_make_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("list", "--library", str(tmp_path)) == 1
    assert "daug library init" in capsys.readouterr().err
