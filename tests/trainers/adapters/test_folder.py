"""A plain folder: its folders' names or a table say what is what, and no more than they say."""

from pathlib import Path

import pytest

from daug.errors import ManifestError
from daug.findings import Finding
from tests.trainers.adapters import layouts
from trainers.adapters.folder import folder_adapter
from trainers.adapters.writing import write_manifest
from trainers.manifest import Row, read_manifest


def listed(root: Path, labels: Path | None = None, licence: str = "") -> dict[str, Row]:
    write_manifest(folder_adapter("mine", labels, licence), root, root / "manifest.csv")
    return {row.id: row for row in read_manifest(root / "manifest.csv")}


def test_names_of_folders_are_labels_and_splits(tmp_path: Path) -> None:
    layouts.pictures(tmp_path / "train" / "NORMAL", "a.jpeg")
    layouts.pictures(tmp_path / "train" / "Pneumonia", "a.jpeg")
    layouts.pictures(tmp_path / "test" / "pleural-effusion+Edema", "b.png")
    layouts.pictures(tmp_path / ".hidden", "c.png")
    (tmp_path / "notes.txt").write_text("no image")
    rows = listed(tmp_path)
    assert len(rows) == 3
    assert dict(rows["mine-train%2FNORMAL%2Fa.jpeg"].labels) == {
        Finding.NO_FINDING: 1,
        Finding.PNEUMONIA: 0,
        Finding.PLEURAL_EFFUSION: 0,
        Finding.EDEMA: 0,
    }
    assert dict(rows["mine-train%2FPneumonia%2Fa.jpeg"].labels) == {
        Finding.NO_FINDING: 0,
        Finding.PNEUMONIA: 1,
    }
    both = rows["mine-test%2Fpleural-effusion+Edema%2Fb.png"]
    assert both.split == "test"
    assert (both.labels[Finding.PLEURAL_EFFUSION], both.labels[Finding.EDEMA]) == (1, 1)
    assert Finding.PNEUMONIA not in both.labels


def test_unknown_folders_give_no_label_and_are_counted(tmp_path: Path) -> None:
    layouts.pictures(tmp_path / "Scoliosis", "a.png", "b.png")
    (tmp_path / "Scoliosis" / "c.txt").write_text("no image")
    said = write_manifest(folder_adapter("mine"), tmp_path, tmp_path / "m.csv")
    assert said["unknown_words"] == {"scoliosis": 2}
    assert sum(said["skipped"].values()) == 1
    assert said["licence"] == "unstated"
    assert all(not row.labels for row in read_manifest(tmp_path / "m.csv"))


def test_a_link_to_an_image_elsewhere_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "root"
    layouts.pictures(root / "normal", "a.png")
    layouts.pictures(tmp_path / "elsewhere", "b.png")
    (root / "normal" / "b.png").symlink_to(tmp_path / "elsewhere" / "b.png")
    (root / "edema").symlink_to(tmp_path / "elsewhere")
    said = write_manifest(folder_adapter("mine"), root, root / "m.csv")
    assert said["rows"] == 1
    assert said["skipped"] == {"the image's path leads out of the collection's folder": 1}


def test_a_table_of_columns_keeps_every_value(tmp_path: Path) -> None:
    layouts.pictures(tmp_path / "x", "a.png", "b.png")
    table = layouts.write_lines(
        tmp_path / "labels.csv",
        "Path,patient_id,split,view,cardiomegaly,Mass,Nodule,Support Devices,license",
        "x/a.png,p1,validate,PA,-1,1,0,,CC BY 4.0",
        "x/b.png,p2,,,0,,-1,1,",
    )
    rows = listed(tmp_path, table, "mine alone")
    one, two = rows["mine-x%2Fa.png"], rows["mine-x%2Fb.png"]
    assert dict(one.labels) == {Finding.CARDIOMEGALY: -1, Finding.LUNG_LESION: 1}
    assert (one.split, one.view, one.licence) == ("val", "PA", "CC BY 4.0")
    assert two.labels[Finding.LUNG_LESION] == -1
    assert two.licence == "mine alone"


def test_a_table_of_lists_says_absent_only_of_normals(tmp_path: Path) -> None:
    layouts.pictures(tmp_path, "a.png", "b.png", "c.png")
    table = layouts.write_lines(
        tmp_path / "labels.csv",
        "image,Finding Labels",
        *("a.png,Effusion|Atelectasis", "b.png,No Finding", "c.png,"),
    )
    rows = listed(tmp_path, table)
    assert rows["mine-b.png"].labels[Finding.ATELECTASIS] == 0
    assert rows["mine-a.png"].labels[Finding.PLEURAL_EFFUSION] == 1
    assert not rows["mine-c.png"].labels


def test_a_label_that_is_none_is_counted_and_a_table_without_labels_refused(tmp_path: Path) -> None:
    layouts.pictures(tmp_path, "a.png", "b.png")
    table = layouts.write_lines(tmp_path / "t.csv", "image,Edema", "a.png,1", "b.png,yes")
    said = write_manifest(folder_adapter("mine", table), tmp_path, tmp_path / "m.csv")
    assert said["skipped"] == {"a label is not 1, 0, -1 or blank": 1}
    table = layouts.write_lines(tmp_path / "t.csv", "image,weight", "a.png,1")
    with pytest.raises(ManifestError, match="It has image, weight"):
        write_manifest(folder_adapter("mine", table), tmp_path, tmp_path / "m.csv")


@pytest.mark.parametrize("name", ["", "../a", "a/b", ".."])
def test_a_name_that_could_leave_the_folder_is_refused(name: str) -> None:
    with pytest.raises(ManifestError, match="cannot be a data set's name"):
        folder_adapter(name)
