"""A manifest is there whole or not at all; trainers and the case library take it as it is."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from daug.errors import ManifestError
from tests.trainers.adapters import layouts
from trainers.adapters.catalogue import ADAPTERS
from trainers.adapters.collection import Collection
from trainers.adapters.nih import NIH
from trainers.adapters.record import Reading, Record
from trainers.adapters.splits import hashed_split
from trainers.adapters.writing import COLUMNS, IN_TWO_SPLITS, SAME_AGAIN, write_manifest
from trainers.manifest import read_manifest


@pytest.mark.parametrize("folder", [".", "nih", "elsewhere"])
def test_the_case_library_imports_it_wherever_it_lies(tmp_path: Path, folder: str) -> None:
    from db.library import init_library

    root = layouts.nih(tmp_path / "nih")
    for image in root.glob("images_*/images/*.png"):
        layouts.pictures(image.parent, image.name, size=128)
    write_manifest(NIH, root, tmp_path / folder / "manifest.csv")
    library = init_library(tmp_path / "library")
    report = library.import_files([tmp_path / folder / "manifest.csv"])
    assert [s.reason for s in report.skipped] == []
    assert len(report.imported) == 4


def test_elsewhere_a_link_leads_to_the_images_and_the_trainers_find_them(tmp_path: Path) -> None:
    root, out = layouts.nih(tmp_path / "nih"), tmp_path / "work" / "m.csv"
    for _ in range(2):  # the link may be there already
        said = write_manifest(NIH, root, out)
        assert all(row.image.is_file() for row in read_manifest(out))
    assert said["linked_by"] == str(tmp_path / "work" / "nih-images")
    other = layouts.nih(tmp_path / "other")
    with pytest.raises(ManifestError, match="leads to another folder"):
        write_manifest(NIH, other, out)


def test_the_document_beside_it_says_what_it_is(tmp_path: Path) -> None:
    root = layouts.nih(tmp_path)
    said = write_manifest(NIH, root, root / "manifest.csv")
    assert json.loads((root / "manifest.about.json").read_text()) == said
    assert said["labels"]["Cardiomegaly"] == {"present": 1, "absent": 3, "uncertain": 0}
    assert said["views"] == {"PA": 3, "AP": 1}
    assert "CVPR" in said["citation"]
    assert said["label_words"]["Hernia"] is None
    line = layouts.manifest_lines(root / "manifest.csv")["nih-00000001_000"]
    assert (line["license"], line["citation"]) == (NIH.licence, NIH.citation)


def test_a_failure_on_the_way_leaves_the_old_manifest_and_nothing_else(tmp_path: Path) -> None:
    root = layouts.nih(tmp_path / "nih")
    write_manifest(NIH, root, tmp_path / "m.csv")
    before = (tmp_path / "m.csv").read_bytes()

    def torn(collection: Collection) -> Reading:
        yield Record("a", "images_001/images/00000001_000.png")
        raise ManifestError("torn")

    with pytest.raises(ManifestError, match="torn"):
        write_manifest(replace(NIH, read=torn), root, tmp_path / "m.csv")
    assert (tmp_path / "m.csv").read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.about.json", "m.csv", "nih"]


@pytest.mark.parametrize("name", ["Data_Entry_2017_v2020.csv", "test_list.txt"])
def test_a_collections_own_table_is_not_written_over(tmp_path: Path, name: str) -> None:
    root = layouts.nih(tmp_path)
    before = (root / name).read_bytes()
    with pytest.raises(ManifestError, match="is no manifest of this program"):
        write_manifest(NIH, root, root / name)
    assert (root / name).read_bytes() == before


def test_repeats_and_patients_in_two_splits_are_left_out_and_counted(tmp_path: Path) -> None:
    layouts.pictures(tmp_path, "a.png", "b.png")

    def twice(collection: Collection) -> Reading:
        yield Record("a", "a.png", patient="p", split="train")
        yield Record("a", "a.png", patient="p", split="train")
        yield Record("b", "b.png", patient="p", split="test")

    said = write_manifest(replace(NIH, read=twice), tmp_path, tmp_path / "m.csv")
    assert said["skipped"] == {SAME_AGAIN: 1, IN_TWO_SPLITS: 1}
    assert len(read_manifest(tmp_path / "m.csv")) == 1


def test_text_with_commas_quotes_and_lines_comes_back_as_it_was(tmp_path: Path) -> None:
    layouts.pictures(tmp_path, "a.png")
    text = 'No "acute" disease,\r\n=HYPERLINK("x")\nÄ 肺'

    def told(collection: Collection) -> Reading:
        yield Record("a", "a.png", report=text, report_sections={"impression": text})

    write_manifest(replace(NIH, read=told), tmp_path, tmp_path / "m.csv")
    (line,) = layouts.manifest_lines(tmp_path / "m.csv").values()
    assert line["report"] == text
    assert json.loads(line["report_sections"]) == {"impression": text}
    assert tuple(line) == COLUMNS


def test_an_empty_folder_says_what_is_missing(tmp_path: Path) -> None:
    root = layouts.nih(tmp_path)
    for image in root.glob("images_*/images/*.png"):
        image.unlink()
    with pytest.raises(
        ManifestError, match=r"4 left out since the image is not there.*keep-missing"
    ):
        write_manifest(NIH, root, root / "m.csv")
    with pytest.raises(ManifestError, match="left out"):
        write_manifest(NIH, root, tmp_path / "work" / "m.csv")
    assert list((tmp_path / "work").iterdir()) == []
    assert not (root / "m.csv").exists()


def test_hashed_splits_have_their_shares_and_never_change() -> None:
    splits = [hashed_split("nih", str(n)) for n in range(4000)]
    assert 0.08 < splits.count("test") / 4000 < 0.12
    assert 0.08 < splits.count("val") / 4000 < 0.12
    # a changed hash would leak test patients of yesterday's manifest into training
    assert [n for n in range(40) if splits[n] == "test"] == [8, 10, 26, 34, 38, 39]
    assert [n for n in range(40) if splits[n] == "val"] == [15, 19, 27]


def test_every_adapter_is_a_command_that_states_its_splits_and_licence(tmp_path: Path) -> None:
    import typer

    from trainers.adapters.cli import add_adapters

    app = typer.Typer()
    add_adapters(app)
    runner = CliRunner(env={"COLUMNS": "400"})
    for adapter in ADAPTERS:
        text = runner.invoke(app, [adapter.name, "--help"]).output
        assert adapter.splits in " ".join(text.split())
        assert adapter.licence in " ".join(text.split())
    root = layouts.nih(tmp_path)
    told = runner.invoke(app, ["nih", str(root), "-o", str(root / "m.csv"), "--json"])
    assert json.loads(told.output)["rows"] == 4
    told = runner.invoke(app, ["folder", str(root), "-o", str(root / "m.csv"), "--name", "own"])
    assert "4 radiographs" in told.output
    assert "Unknown label" in told.output
