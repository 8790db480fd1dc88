"""NIH ChestX-ray14, as its archive is laid out."""

from pathlib import Path

import pytest

from daug.findings import Finding
from tests.trainers.adapters import layouts
from trainers.adapters.nih import NIH
from trainers.adapters.writing import write_manifest
from trainers.manifest import Box, read_manifest


def test_labels_views_boxes_and_official_splits_reach_the_trainers(tmp_path: Path) -> None:
    root = layouts.nih(tmp_path / "nih")
    said = write_manifest(NIH, root, root / "manifest.csv")
    rows = {row.id: row for row in read_manifest(root / "manifest.csv")}
    assert said["rows"] == len(rows) == 4
    assert all(row.image.is_file() for row in rows.values())
    heart, thick = rows["nih-00000001_000"], rows["nih-00000001_001"]
    assert heart.labels[Finding.CARDIOMEGALY] == 1
    assert heart.labels[Finding.NO_FINDING] == 0
    assert heart.labels[Finding.PLEURAL_OTHER] == 0
    assert Finding.FRACTURE not in heart.labels  # never asked for, so not known
    assert thick.labels[Finding.PLEURAL_OTHER] == 1
    assert (thick.age, thick.view, heart.patient) == ("58", "AP", thick.patient)
    assert heart.split == thick.split
    assert heart.split in ("train", "val")
    assert rows["nih-00000002_000"].split == rows["nih-00000003_000"].split == "test"
    assert heart.licence == "NIH-CC"
    # 256 + 128 of 1,024 wide, 512 + 256 high
    assert rows["nih-00000003_000"].boxes == (Box("Infiltrate", 0.25, 0.5, 0.375, 0.75),)
    assert said["boxes_left_out"] == {"the box does not lie in the image": 1}
    assert rows["nih-00000003_000"].labels[Finding.LUNG_LESION] == 1


def test_images_in_one_flat_folder_are_found(tmp_path: Path) -> None:
    root = layouts.nih(tmp_path)
    for number in ("1", "2"):
        (tmp_path / f"images_00{number}" / "images").rename(tmp_path / f"images_{number}")
    (tmp_path / "images_1").rename(tmp_path / "images")
    assert write_manifest(NIH, root, root / "m.csv")["rows"] == 4


def test_without_the_lists_the_split_is_the_same_wherever_the_folder_lies(tmp_path: Path) -> None:
    for place in ("a", "b"):
        root = layouts.nih(tmp_path / place, lists=False)
        write_manifest(NIH, root, root / "m.csv")
    one, other = (
        {row.id: row.split for row in read_manifest(tmp_path / place / "m.csv")} for place in "ab"
    )
    assert one == other
    assert one["nih-00000001_000"] == one["nih-00000001_001"]


def test_what_is_in_neither_list_or_not_there_is_counted_with_its_reason(tmp_path: Path) -> None:
    root = layouts.nih(tmp_path)
    (root / "test_list.txt").write_text("00000003_000.png\n")
    (root / "images_001" / "images" / "00000001_001.png").unlink()
    said = write_manifest(NIH, root, root / "m.csv")
    assert said["rows"] == 2
    assert said["skipped"] == {
        "it is in neither of the official lists": 1,
        "the image is not there": 1,
    }
    kept = write_manifest(NIH, root, root / "m.csv", keep_missing=True)
    assert (kept["rows"], kept["images_missing_but_kept"]) == (3, 1)


@pytest.mark.parametrize("word", ["Effusions", "__import__('os').system('true')", "=1+1"])
def test_a_word_that_the_table_does_not_have_is_counted(tmp_path: Path, word: str) -> None:
    root = layouts.nih(tmp_path)
    table = root / "Data_Entry_2017_v2020.csv"
    table.write_text(table.read_text().replace("Emphysema", word))
    assert write_manifest(NIH, root, root / "m.csv")["unknown_words"] == {word: 1}
