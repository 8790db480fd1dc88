"""Hearts are labelled by measurement only where the measurement can be trusted, and marked so."""

import csv
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from daug.bundle import Bundle
from daug.cardiothoracic import CardiothoracicRatio
from daug.errors import BundleError, ManifestError
from daug.findings import Finding
from tests.daug.drawn_chest import DrawnChest
from tests.trainers.chests import COLUMNS, SIDE, LevelReader, write_chest
from tests.trainers.rows import write_manifest
from trainers.manifest import read_manifest
from trainers.measured_labels import HeartRequest, OwnLabels, measure_heart, measured_label

HEART = Finding.CARDIOMEGALY.value
NORMAL = Finding.NO_FINDING.value


def chest(ratio: float) -> DrawnChest:
    share = 0.7 * ratio
    return DrawnChest(side=SIDE, heart=(0.55 - share / 2, 0.55 + share / 2))


CASES: Mapping[str, tuple[float, Mapping[str, str]]] = {
    "large": (0.58, {}),
    "small": (0.40, {}),
    "between": (0.49, {}),
    "large_normal": (0.58, {NORMAL: "1"}),
    "own_wrong": (0.58, {HEART: "0", NORMAL: "1"}),
    "own_right": (0.40, {HEART: "0"}),
    "own_uncertain": (0.58, {HEART: "-1"}),
    "ap": (0.58, {"view": "AP"}),
    "child": (0.58, {"age": "009Y"}),
    "ageless": (0.58, {"age": "", "dataset": "two"}),
}


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    folder = tmp_path / "study"
    lines = [
        {**write_chest(folder, name, chest(ratio)), **changes}
        for name, (ratio, changes) in CASES.items()
    ]
    return write_manifest(folder / "manifest.csv", lines, (*COLUMNS, "masks", "severity"))


@pytest.fixture(autouse=True)
def _a_reader_without_mistakes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainers.measured_labels.open_anatomist", lambda _: LevelReader())


def measure(manifest: Path, bundle: Bundle, **changes: Any) -> tuple[dict[str, Any], Path]:
    output = manifest.parent.parent / "measured" / "copy.csv"
    request = HeartRequest(manifest, output, bundle.folder)
    return measure_heart(replace(request, **changes)), output


def lines_of(path: Path) -> dict[str, dict[str, str]]:
    with path.open(newline="") as file:
        return {line["id"]: line for line in csv.DictReader(file)}


def test_only_unlabelled_adults_seen_from_behind_are_labelled(
    manifest: Path, tiny_bundle: Bundle
) -> None:
    counts, output = measure(manifest, tiny_bundle)

    lines = lines_of(output)
    assert {name: line[HEART] for name, line in lines.items() if line["measured"]} == {
        "large": "1",
        "small": "0",
        "large_normal": "1",
    }
    original = lines_of(manifest)
    for name, line in lines.items():
        changed = {k for k, v in original[name].items() if line[k] != v}
        measured = set(filter(None, line["measured"].split("|")))
        assert changed == measured
    assert counts["sources"]["one"] == {
        "measured absent": 1,
        "measured between": 1,
        "measured present": 2,
        "own -1, measured present": 1,
        "own 0, measured absent": 1,
        "own 0, measured present": 1,
    }
    assert "two" not in counts["sources"]


def test_an_enlarged_heart_is_no_longer_called_normal(manifest: Path, tiny_bundle: Bundle) -> None:
    line = lines_of(measure(manifest, tiny_bundle)[1])["large_normal"]
    assert line[NORMAL] == ""
    assert line["measured"] == f"{HEART}|{NORMAL}"


def test_own_labels_give_way_only_where_that_is_asked_for(
    manifest: Path, tiny_bundle: Bundle
) -> None:
    _, output = measure(manifest, tiny_bundle, own_labels=OwnLabels.REPLACE)
    lines = lines_of(output)
    assert (lines["own_wrong"][HEART], lines["own_uncertain"][HEART]) == ("1", "1")
    assert lines["own_right"]["measured"] == ""


def test_rows_without_an_age_count_as_adults_only_where_the_source_holds_none_but_adults(
    manifest: Path, tiny_bundle: Bundle
) -> None:
    _, output = measure(manifest, tiny_bundle, adults=("two",), sources=("two",))
    measured = {name for name, line in lines_of(output).items() if line["measured"]}
    assert measured == {"ageless"}


def test_the_ratio_stands_beside_the_label(manifest: Path, tiny_bundle: Bundle) -> None:
    lines = lines_of(measure(manifest, tiny_bundle)[1])
    assert float(lines["between"]["cardiothoracic_ratio"]) == pytest.approx(0.49, abs=0.01)
    assert lines["ap"]["cardiothoracic_ratio"] == ""


def test_the_copy_is_a_manifest_whose_images_and_masks_are_found(
    manifest: Path, tiny_bundle: Bundle
) -> None:
    _, output = measure(manifest, tiny_bundle)
    rows = read_manifest(output)
    assert len(rows) == len(CASES)
    for row in rows:
        assert row.image.is_file()
        assert all(mask.is_file() for mask in row.masks.values())


def test_the_manifest_itself_is_never_overwritten(manifest: Path, tiny_bundle: Bundle) -> None:
    before = manifest.read_bytes()
    with pytest.raises(ManifestError, match="it is the manifest itself"):
        measure(manifest, tiny_bundle, output=manifest)
    assert manifest.read_bytes() == before


def test_a_manifest_without_adults_seen_from_behind_is_refused(
    manifest: Path, tiny_bundle: Bundle
) -> None:
    with pytest.raises(ManifestError, match="known to be an adult's"):
        measure(manifest, tiny_bundle, sources=("two",))


def test_without_an_anatomy_model_nothing_is_measured(
    manifest: Path, tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainers.measured_labels.open_anatomist", lambda _: None)
    with pytest.raises(BundleError, match="add-anatomy"):
        measure(manifest, tiny_bundle)


@pytest.mark.parametrize(
    ("value", "label"), [(0.479, "0"), (0.48, ""), (0.5, ""), (0.501, "1"), (None, "")]
)
def test_between_the_limits_nothing_is_said(value: float | None, label: str) -> None:
    request = HeartRequest(Path("a.csv"), Path("b.csv"), Path("bundle"))
    assert measured_label(CardiothoracicRatio(value, None, None, None, None), request) == label


def test_the_limits_can_be_set_apart_but_not_crossed(manifest: Path, tiny_bundle: Bundle) -> None:
    _, output = measure(manifest, tiny_bundle, present_above=0.6, absent_below=0.45)
    assert {name for name, line in lines_of(output).items() if line["measured"]} == {"small"}
    with pytest.raises(ManifestError, match="must rise"):
        measure(manifest, tiny_bundle, present_above=0.4, absent_below=0.45)
