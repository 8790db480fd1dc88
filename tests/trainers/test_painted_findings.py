"""Painted copies of normal radiographs: for training alone, labelled as what they are."""

import csv
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

import app
from daug.bundle import Bundle
from daug.errors import BundleError, ManifestError
from daug.findings import Finding
from daug.phantom import PAINTERS
from tests.daug.drawn_chest import DrawnChest
from tests.trainers.chests import COLUMNS, SIDE, LevelReader, drawn_radiograph, write_chest
from tests.trainers.rows import write_image, write_manifest
from trainers.manifest import read_manifest
from trainers.painted_findings import PaintRequest, paint_findings

NORMAL, DEVICES, LESION, OPACITY, EFFUSION = (
    Finding.NO_FINDING.value,
    Finding.SUPPORT_DEVICES.value,
    Finding.LUNG_LESION.value,
    Finding.LUNG_OPACITY.value,
    Finding.PLEURAL_EFFUSION.value,
)
HEALTHY = {"split": "train", NORMAL: "1"}
CASES: Mapping[str, Mapping[str, str]] = {
    "plain": HEALTHY,
    "labelled": {**HEALTHY, **dict.fromkeys((LESION, OPACITY, DEVICES), "0"), "report": "Clear."},
    "unsure": {**HEALTHY, LESION: "-1", DEVICES: "1", "Edema": "-1"},
    "a/p": {**HEALTHY, "view": "AP", NORMAL: "1.0"},
    "outpatient": {**HEALTHY, "view": "AP", "dataset": "two"},
    "no_heart": HEALTHY,
    "small": HEALTHY,
    "broken": HEALTHY,
    "ill": {"split": "train", NORMAL: "0", "Edema": "1"},
    "contradictory": {**HEALTHY, "Edema": "1"},
    "unlabelled": {"split": "train"},
    "watched": {**HEALTHY, "split": "val"},
    "scored": {**HEALTHY, "split": "test"},
}
NORMALS = ("plain", "labelled", "unsure", "a/p", "outpatient")
COUNT = {"plain": 4, "labelled": 4, "unsure": 2, "a/p": 3, "outpatient": 4}


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    folder = tmp_path / "study"
    lines = []
    for name, changes in CASES.items():
        line = write_chest(folder, name.replace("/", "_"), DrawnChest(side=SIDE))
        masks = "" if "/" in name else line["masks"]
        lines.append({**line, "raw_labels": "x", **changes, "id": name, "masks": masks})
    organs = DrawnChest(side=SIDE).organs()
    bare = replace(organs, heart=np.zeros_like(organs.heart))
    write_image(folder / "images/no_heart.png", drawn_radiograph(bare))
    small = cv2.resize(drawn_radiograph(organs), (90, 90), interpolation=cv2.INTER_AREA)
    write_image(folder / "images/small.png", np.asarray(small, dtype=np.uint8))
    (folder / "images/broken.png").write_bytes(b"no picture")
    columns = (*COLUMNS, "masks", "report", "raw_labels", "source_file")
    return write_manifest(folder / "manifest.csv", lines, columns)


@pytest.fixture(autouse=True)
def _a_reader_without_mistakes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainers.painted_findings.open_anatomist", lambda _: LevelReader())


def paint_all(manifest: Path, bundle: Bundle, folder: str = "painted", **changes: Any) -> Any:
    output = manifest.parent.parent / folder
    request = PaintRequest(manifest, output, bundle.folder, without_devices=("two",))
    return paint_findings(replace(request, **changes)), output / "manifest.csv"


def lines_of(path: Path) -> dict[str, dict[str, str]]:
    with path.open(newline="") as file:
        return {line["id"]: line for line in csv.DictReader(file)}


def painted_lines(path: Path) -> dict[str, dict[str, str]]:
    return {name: line for name, line in lines_of(path).items() if line["painted"]}


def gray(path: Path) -> NDArray[np.uint8]:
    return np.asarray(cv2.imread(str(path), cv2.IMREAD_UNCHANGED), dtype=np.uint8)


def test_each_normal_of_the_training_split_gets_one_copy_with_each_finding_it_does_not_show(
    manifest: Path, tiny_bundle: Bundle
) -> None:
    counts, output = paint_all(manifest, tiny_bundle)
    rows = [row for row in read_manifest(output) if row.painted]
    found = [row.id.split("+")[0] for row in rows]
    assert {name: found.count(name) for name in NORMALS} == COUNT
    assert len(found) == sum(COUNT.values())  # none of the rest
    assert len({row.image for row in rows}) == len(rows)
    assert all(row.image.is_file() and row.split == "train" for row in rows)
    assert counts["painted"] == {LESION: 4, "Consolidation": 5, EFFUSION: 5, DEVICES: 3}
    assert counts["sources"]["one"] == {
        "normals": 4,
        "lungs or heart not found": 1,
        "too small": 1,
        "unreadable": 1,
        "painted Consolidation": 4,
        "painted Lung Lesion": 3,
        "painted Pleural Effusion": 4,
        "painted Support Devices": 2,
        "Lung Lesion: may be there already": 1,
        "Support Devices: may be there already": 2,
    }


def test_no_row_to_be_watched_or_scored_is_painted_or_changed(
    manifest: Path, tiny_bundle: Bundle
) -> None:
    before = read_manifest(manifest)
    after = {row.id: row for row in read_manifest(paint_all(manifest, tiny_bundle)[1])}
    for row in before:
        if row.split != "train":
            assert after[row.id].labels == row.labels
            assert not after[row.id].assumed
    held_out = [row.id for row in after.values() if row.split != "train"]
    assert held_out == [row.id for row in before if row.split != "train"]


def test_a_painted_row_says_what_its_normal_says_but_for_what_was_painted(
    manifest: Path, tiny_bundle: Bundle
) -> None:
    lines = lines_of(paint_all(manifest, tiny_bundle)[1])
    own, normal = lines["labelled+lung-lesion"], lines["labelled"]
    assert {key: own[key] for key in own if own[key] != normal[key]} == {
        "id": "labelled+lung-lesion",
        "image": "painted/labelled-lung-lesion.png",
        "masks": "",
        "report": "",
        "raw_labels": "",
        NORMAL: "0",
        OPACITY: "",  # a nodule is an opacity
        LESION: "1",
        "painted": LESION,
    }
    assert lines["unsure+consolidation"]["Edema"] == "-1"
    assert lines["unsure+consolidation"][LESION] == "-1"


def test_a_device_is_no_disease(manifest: Path, tiny_bundle: Bundle) -> None:
    lines = lines_of(paint_all(manifest, tiny_bundle)[1])
    assert (lines["plain+support-devices"][NORMAL], lines["plain+support-devices"][DEVICES]) == (
        "1",
        "1",
    )
    assert {line[NORMAL] for line in lines.values() if line["painted"] not in ("", DEVICES)} == {
        "0"
    }


def test_what_a_normal_is_not_labelled_with_is_absent_by_assumption_and_marked_so(
    manifest: Path, tiny_bundle: Bundle
) -> None:
    lines = lines_of(paint_all(manifest, tiny_bundle)[1])
    every = {finding.value for finding in PAINTERS}
    assumed = {name: set(filter(None, line["assumed"].split("|"))) for name, line in lines.items()}
    assert assumed["plain"] == assumed["outpatient"] == every
    assert assumed["labelled"] == every - {LESION, DEVICES}
    assert assumed["a/p"] == every - {DEVICES}  # the bedridden wear electrodes
    assert lines["a/p"][DEVICES] == ""
    assert assumed["plain+lung-lesion"] == every - {LESION}
    for name in ("ill", "unlabelled", "contradictory", "no_heart", "scored"):
        assert not assumed[name]
    for name, line in lines.items():
        assert {line[finding] for finding in assumed[name]} <= {"0"}


def test_the_original_rows_keep_every_letter_of_their_columns(
    manifest: Path, tiny_bundle: Bundle
) -> None:
    original, copy = lines_of(manifest), lines_of(paint_all(manifest, tiny_bundle)[1])
    assert list(copy)[: len(original)] == list(original)
    for name, line in original.items():
        assumed = copy[name]["assumed"].split("|")
        assert {**copy[name], **dict.fromkeys(filter(None, assumed), "")} | line == {
            **line,
            "painted": "",
            "assumed": copy[name]["assumed"],
        }
        assert all(line[key] == "" for key in line if line[key] != copy[name][key])


def test_outside_of_what_is_painted_the_picture_is_its_normal_s(
    manifest: Path, tiny_bundle: Bundle
) -> None:
    _, output = paint_all(manifest, tiny_bundle)
    normal = gray(manifest.parent / "images/plain.png")
    lungs = DrawnChest(side=SIDE).organs().lungs.astype(np.uint8)
    near = cv2.dilate(lungs, np.ones((9, 9), np.uint8)).astype(bool)
    for finding in PAINTERS:
        slug = finding.value.lower().replace(" ", "-")
        painted = gray(output.parent / f"painted/plain-{slug}.png")
        changed = painted != normal
        assert 0.0005 < changed.mean() < 0.3
        assert (painted[changed] > normal[changed]).all()
        if finding is not Finding.SUPPORT_DEVICES:
            assert not changed[~near].any()


def test_chance_hangs_on_the_seed_and_the_radiograph_but_not_on_their_order(
    manifest: Path, tiny_bundle: Bundle
) -> None:
    def pictures(folder: str, **changes: Any) -> dict[str, bytes]:
        _, output = paint_all(manifest, tiny_bundle, folder, **changes)
        return {p.name: p.read_bytes() for p in (output.parent / "painted").iterdir()}

    first = pictures("first")
    with manifest.open(newline="") as file:
        reader = csv.DictReader(file)
        columns, lines = reader.fieldnames or [], list(reader)
    write_manifest(manifest, lines[::-1], columns)
    turned = (Finding.PLEURAL_EFFUSION, Finding.LUNG_LESION)
    again = pictures("again", findings=turned, per_normal=0.999)
    assert again == {name: first[name] for name in again}
    assert len(again) == 9
    other = pictures("other", seed=1)
    assert [name for name in first if first[name] == other[name]] == []
    assert first["plain-lung-lesion.png"] != first["labelled-lung-lesion.png"]


def test_a_share_of_the_normals_is_painted_on_where_no_more_are_asked_for(
    tmp_path: Path, tiny_bundle: Bundle
) -> None:
    line = {**write_chest(tmp_path / "study", "same", DrawnChest(side=SIDE)), **HEALTHY}
    many = [{**line, "id": f"n{i}", "masks": ""} for i in range(60)]
    table = write_manifest(tmp_path / "study/manifest.csv", many, (*COLUMNS, "masks"))
    counts, output = paint_all(table, tiny_bundle, per_normal=0.4, findings=(Finding.LUNG_LESION,))
    assert 12 <= counts["painted"][LESION] <= 36  # of 60; chance leaves these 1 time in 1,000
    assert len(painted_lines(output)) == counts["painted"][LESION]
    assert {line[LESION] for line in lines_of(output).values() if not line["painted"]} == {"0"}


def test_a_painted_row_outside_the_training_split_is_refused(
    manifest: Path, tiny_bundle: Bundle
) -> None:
    _, output = paint_all(manifest, tiny_bundle)
    text = output.read_text()
    line = next(line for line in text.splitlines() if line.startswith("plain+lung-lesion"))
    output.write_text(text.replace(line, line.replace(",train,", ",test,")))
    with pytest.raises(ManifestError, match=r"Lung Lesion is painted onto this.*split test"):
        read_manifest(output)


def test_there_is_no_manifest_before_all_is_painted(
    manifest: Path, tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[Path] = []

    def save(path: Path, *_: Any) -> None:
        done.append(path)
        if len(done) == 7:
            raise KeyboardInterrupt

    monkeypatch.setattr("trainers.painted_findings.save_painted", save)
    with pytest.raises(KeyboardInterrupt):
        paint_all(manifest, tiny_bundle)
    assert not (manifest.parent.parent / "painted" / "manifest.csv").exists()


def test_an_older_copy_stays_whole_until_the_new_one_is(
    manifest: Path, tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, output = paint_all(manifest, tiny_bundle)
    before = output.read_bytes()

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("trainers.painted_findings.painted_line", stop)
    with pytest.raises(KeyboardInterrupt):
        paint_all(manifest, tiny_bundle, findings=(Finding.LUNG_LESION,))
    assert output.read_bytes() == before


def test_another_manifest_is_never_overwritten_but_an_older_copy_is_replaced_whole(
    manifest: Path, tiny_bundle: Bundle
) -> None:
    before = manifest.read_bytes()
    with pytest.raises(ManifestError, match="the manifest's own folder"):
        paint_all(manifest, tiny_bundle, manifest.parent.name)
    foreign = manifest.parent.parent / "foreign" / "manifest.csv"
    foreign.parent.mkdir()
    foreign.write_bytes(before)
    with pytest.raises(ManifestError, match="would be lost"):
        paint_all(manifest, tiny_bundle, "foreign")
    assert manifest.read_bytes() == foreign.read_bytes() == before

    _, output = paint_all(manifest, tiny_bundle)
    paint_all(manifest, tiny_bundle, findings=(Finding.LUNG_LESION,))
    assert {line["painted"] for line in painted_lines(output).values()} == {LESION}
    with pytest.raises(ManifestError, match="holds painted radiographs already"):
        paint_all(output, tiny_bundle, "twice")


def test_nothing_to_paint_on_and_no_anatomy_model_are_said(
    manifest: Path, tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ManifestError, match=r"nothing was painted.*none found"):
        paint_all(manifest, tiny_bundle, sources=("three",))
    with pytest.raises(ManifestError, match="Cardiomegaly cannot be painted"):
        paint_all(manifest, tiny_bundle, findings=(Finding.CARDIOMEGALY,))
    monkeypatch.setattr("trainers.painted_findings.open_anatomist", lambda _: None)
    with pytest.raises(BundleError, match="add-anatomy"):
        paint_all(manifest, tiny_bundle)


def test_the_command_answers_in_json_and_refuses_what_cannot_be_painted(
    manifest: Path, tiny_bundle: Bundle, tmp_path: Path
) -> None:
    words = ["data", "paint", str(manifest), "-o", str(tmp_path / "out"), "--json"]
    words += ["--bundle", str(tiny_bundle.folder), "--sources", "two"]
    result = CliRunner().invoke(app.app, [*words, "--findings", "lung lesion, Consolidation"])
    assert json.loads(result.stdout)["painted"] == {LESION: 1, "Consolidation": 1}
    refused = CliRunner().invoke(app.app, [*words, "--findings", "Edema"])
    assert refused.exit_code == 2
