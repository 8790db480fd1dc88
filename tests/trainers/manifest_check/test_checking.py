"""Each fault of a manifest is found, by name, and nothing is found where there is none."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from daug.errors import ManifestError
from tests.trainers.manifest_check.faulty import Line, checked, lines, picture, written
from tests.trainers.rows import COLUMNS, write_image
from trainers.manifest_check import looking
from trainers.manifest_check.checking import check_manifest
from trainers.manifest_check.document import document
from trainers.manifest_check.sentences import leak_sentences, summary


def test_nothing_is_found_where_there_is_nothing(tmp_path: Path) -> None:
    found = document(checked(written(tmp_path, lines())))
    for kind in ("missing", "unreadable", "duplicates", "near_duplicates", "leaks", "overlaps"):
        assert found[kind] == [], kind
    assert (found["rows"], found["repeated_rows"], found["faulty_lines"]) == (6, 0, [])
    assert summary(checked(tmp_path / "m.csv")) == ["6 radiographs of 6 patients."]


def test_lateral_views_and_labels_from_reports_are_counted(tmp_path: Path) -> None:
    rows = lines()
    rows[0]["view"], rows[1]["view"] = "LL", "Lateral"
    rows[2]["text_derived"] = "Edema|Fracture"  # of which the line labels Edema alone
    manifest = written(tmp_path, rows, (*COLUMNS, "text_derived"))
    found = document(checked(manifest))
    assert (found["laterals"], found["text_derived"]) == (2, {"Edema": 1})
    assert summary(checked(manifest))[-2:] == [
        "2 lateral radiographs: neither train nor score.",
        "1 label read from reports by a program.",
    ]


def test_missing_and_unreadable_images_are_told_apart(tmp_path: Path) -> None:
    manifest = written(tmp_path, lines())
    (tmp_path / "r1.png").unlink()
    (tmp_path / "r2.png").write_bytes((tmp_path / "r2.png").read_bytes()[:500])
    (tmp_path / "r3.png").unlink()
    (tmp_path / "r3.png").mkdir()
    found = document(checked(manifest))
    assert [one["id"] for one in found["missing"]] == ["r1", "r3"]
    assert [one["id"] for one in found["unreadable"]] == ["r2"]
    assert "damaged or incomplete" in found["unreadable"][0]["reason"]


def test_the_same_pixels_in_another_file_are_duplicates(tmp_path: Path) -> None:
    write_image(tmp_path / "r0.png", picture(0))
    cv2.imwrite(str(tmp_path / "r3.tiff"), picture(0))  # other bytes, the same pixels
    rows = lines()
    rows[3]["image"] = "r3.tiff"
    found = document(checked(written(tmp_path, rows)))
    assert found["duplicates"] == [["r0", "r3"]]
    assert found["near_duplicates"] == []  # said once
    assert found["leaks"] == []  # both are in train


@pytest.mark.parametrize("change", ["smaller", "JPEG", "fainter"])
def test_a_changed_copy_is_a_near_duplicate(tmp_path: Path, change: str) -> None:
    copy, rows = picture(0), lines()
    if change == "smaller":
        copy = np.asarray(cv2.resize(copy, (96, 96), interpolation=cv2.INTER_AREA), np.uint8)
    elif change == "fainter":
        copy = (copy * 0.6 + 60).astype(np.uint8)
    rows[4]["image"] = "r4.jpg" if change == "JPEG" else "r4.png"
    write_image(tmp_path / rows[4]["image"], copy)
    found = document(checked(written(tmp_path, rows)))
    assert found["duplicates"] == []
    (near,) = found["near_duplicates"]
    assert near["ids"] == ["r0", "r4"]
    assert near["splits"] == ["train", "val"]
    assert not near["same_patient"]
    assert found["leaks"] == []  # alike is not identical


def test_patients_and_pixels_in_two_splits_are_leaks(tmp_path: Path) -> None:
    rows = lines()
    rows[0]["patient_id"] = rows[1]["patient_id"] = "p"
    for name in ("r2", "r3"):
        write_image(tmp_path / f"{name}.png", picture(99))
    found = checked(written(tmp_path, rows))
    by_kind = {leak.kind: leak for leak in found.leaks}
    assert len(found.leaks) == 2
    assert by_kind["patient"].ids == ("r0", "r1")
    assert by_kind["patient"].splits == ("train", "val")
    assert by_kind["pixels"].ids == ("r2", "r3")
    assert leak_sentences(found) == [
        "1 patient in more than one split, for instance one/p in train and val (r0, r1).",
        "1 group of identical images in more than one split, for instance in test and train "
        "(r2, r3).",
    ]


def test_equal_numbers_of_two_data_sets_are_two_patients(tmp_path: Path) -> None:
    rows = lines(2)
    rows[0]["patient_id"] = rows[1]["patient_id"] = "1"
    rows[1]["dataset"] = "two"
    assert checked(written(tmp_path, rows)).leaks == []


def test_lines_that_cannot_be_used_stop_nothing(tmp_path: Path) -> None:
    bad: list[Line] = [
        {"id": "x", "image": "../x.png"},
        {"id": "y", "image": "y.png", "Edema": "maybe"},
        {"id": "r0", "image": "r1.png"},
    ]
    repeated: Line = lines()[0]
    manifest = written(tmp_path, [*lines(), *bad, repeated])
    with manifest.open("a") as file:
        file.write("z,z.png\n")
    found = checked(manifest)
    assert len(found.rows) == 6
    assert found.entries.repeated == 1
    words = ("stay inside it", "maybe", "stands for another image", "ends before the column")
    for fault, word in zip(found.entries.faults, words, strict=True):
        assert word in fault
    with pytest.raises(ManifestError, match="no radiograph that can be used"):
        checked(written(tmp_path, bad[:2]))


def test_one_radiograph_listed_in_two_splits_is_a_leak(tmp_path: Path) -> None:
    again = {**lines()[0], "split": "test"}
    found = checked(written(tmp_path, [*lines(), again]))
    assert found.entries.repeated == 0
    assert {(leak.kind, leak.ids, leak.splits) for leak in found.leaks} == {
        (kind, ("r0", "r0"), ("test", "train")) for kind in ("patient", "pixels")
    }


def test_an_image_that_no_disk_could_hold_stops_nothing(tmp_path: Path) -> None:
    manifest = written(tmp_path, lines())
    text = manifest.read_text().replace("r1.png", "r" * 300 + ".png")
    manifest.write_text(text)
    found = document(checked(manifest))
    (unreadable,) = found["unreadable"]
    assert unreadable["id"] == "r1"
    assert "File name too long" in unreadable["reason"]


def test_a_table_saved_by_a_spreadsheet_is_read(tmp_path: Path) -> None:
    manifest = written(tmp_path, lines())
    manifest.write_bytes(b"\xef\xbb\xbf" + manifest.read_bytes())
    assert len(checked(manifest).rows) == 6


def test_near_duplicates_are_named_rightly_beside_identical_ones(tmp_path: Path) -> None:
    rows = lines(6)
    for name in ("r0", "r1"):
        write_image(tmp_path / f"{name}.png", picture(50))
    write_image(tmp_path / "r5.png", (picture(2) * 0.6 + 60).astype(np.uint8))
    rows[1]["split"] = rows[5]["split"] = "train"
    found = checked(written(tmp_path, rows))
    assert [near["ids"] for near in document(found)["near_duplicates"]] == [["r2", "r5"]]
    assert [leak.ids for leak in found.leaks] == []
    assert any("1 pair of images that look almost the same, 1 of them" in s for s in summary(found))


def test_it_is_told_how_many_images_are_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "AT_ONCE", 4)
    told: list[tuple[int, int]] = []
    check_manifest(written(tmp_path, lines()), 2, lambda done, of: told.append((done, of)))
    assert told == [(4, 6), (6, 6)]


def test_labels_and_views_are_counted_by_data_set_and_split(tmp_path: Path) -> None:
    rows = lines()
    for row, label in zip(rows, ("1", "0", "-1", "", "1", "0"), strict=True):
        row["Edema"], row["view"] = label, "AP" if label == "1" else ""
    rows[5]["dataset"] = "two"
    found = document(checked(written(tmp_path, rows)))
    said = {
        place: found["findings"][place[0]][place[1]]["Edema"]
        for place in (
            ("one", "train"),
            ("one", "val"),
            ("one", "test"),
            ("two", "test"),
        )
    }
    assert said["one", "train"] == {"present": 1, "absent": 0, "uncertain": 0, "blank": 1}
    assert said["one", "val"] == {"present": 1, "absent": 1, "uncertain": 0, "blank": 0}
    assert said["one", "test"] == {"present": 0, "absent": 0, "uncertain": 1, "blank": 0}
    assert said["two", "test"] == {"present": 0, "absent": 1, "uncertain": 0, "blank": 0}
    assert found["views"]["one"]["train"] == {"AP": 1, "not stated": 1}
    json.dumps(found)


def test_known_overlaps_are_said_in_words_and_counted(tmp_path: Path) -> None:
    rows = lines(3)
    names = ("nih", "rsna", "siim")
    for row, name in zip(rows, names, strict=True):
        row["dataset"], row["split"] = name, "train"
        row["source_file"] = f"{name}/00000001_000.png" if name != "siim" else "1.2.3.dcm"
    rows.append({**rows[1], "id": "r3", "image": "r3.png", "source_file": "1.2.4.dcm"})
    for name in ("r0", "r2"):
        write_image(tmp_path / f"{name}.png", picture(50))
    found = checked(written(tmp_path, rows, (*COLUMNS, "source_file")))
    by_pair = {overlap.datasets: overlap for overlap in found.overlaps}
    assert set(by_pair) == {("nih", "rsna"), ("nih", "siim"), ("rsna", "siim")}
    assert (by_pair["nih", "rsna"].same_name, by_pair["nih", "rsna"].identical) == (1, 0)
    assert (by_pair["nih", "siim"].same_name, by_pair["nih", "siim"].identical) == (0, 1)
    assert by_pair["rsna", "siim"].same_name == 0  # numbers of DICOM that begin alike
    assert any("images of NIH ChestX-ray14" in line for line in summary(found))


def test_an_overlap_that_nobody_knew_of_is_found_by_pixels(tmp_path: Path) -> None:
    rows = lines(4)
    rows[3]["dataset"] = "two"
    for name in ("r0", "r3"):
        write_image(tmp_path / f"{name}.png", picture(50))
    (overlap,) = checked(written(tmp_path, rows)).overlaps
    assert (overlap.datasets, overlap.identical, overlap.known) == (("one", "two"), 1, "")


@pytest.mark.shared
def test_the_real_collection_is_whole_and_has_no_leak(shared: Path, tmp_path: Path) -> None:
    manifest = shared / "cxr" / "manifest.csv"
    if not manifest.is_file():
        pytest.skip("no manifest in the shared data")
    head, *rest = manifest.read_text(encoding="utf-8").splitlines()
    figure1 = [line for line in rest if line.startswith(("figure1-", "actualmed-", "talocovid-"))]
    (tmp_path / "images").symlink_to(manifest.parent / "images")
    (tmp_path / "m.csv").write_text("\n".join([head, *figure1]), encoding="utf-8")
    found = checked(tmp_path / "m.csv")
    assert len(found.rows) == 162
    assert not [look for look in found.looks if hasattr(look, "reason")]
    assert found.leaks == []
    assert [pair.bits for pair in found.near] == [2]  # one film of two numbers
