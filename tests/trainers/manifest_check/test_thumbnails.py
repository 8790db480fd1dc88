"""The contact sheet shows every data set and split, from all over each, and stays small."""

from pathlib import Path

from tests.trainers.manifest_check.faulty import checked, lines, written
from trainers.manifest_check.thumbnails import sheet, thumbnail


def test_every_data_set_and_split_is_on_the_sheet(tmp_path: Path) -> None:
    rows = lines(9)
    for row in rows[:8]:
        row["split"] = "train"
    rows[8]["split"] = "test"
    shown = [picture.caption for picture in sheet(checked(written(tmp_path, rows)), 5)]
    assert shown == [
        "r8, one, test",
        "r0, one, train",
        "r2, one, train",
        "r5, one, train",
    ]


def test_the_sheet_holds_no_more_than_asked_for(tmp_path: Path) -> None:
    found = checked(written(tmp_path, lines(6)))
    assert len(sheet(found, 4)) == 4
    assert len(sheet(found, 48)) == 6


def test_a_picture_that_is_gone_by_now_is_left_out(tmp_path: Path) -> None:
    found = checked(written(tmp_path, lines(2)))
    (tmp_path / "r0.png").unlink()
    assert thumbnail(found.rows[0]) is None
    assert [picture.caption for picture in sheet(found, 48)] == ["r1, one, val"]
