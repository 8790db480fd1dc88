"""A bundle says how well its classifier knows each super-class, by source and noise level."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from daug.bundle import Bundle, DataSource, read_bundle, write_bundle
from daug.errors import ManifestError
from tests.trainers.rows import noise_image, write_image, write_manifest
from trainers.evaluation.classifier import evaluate_classifier, score_bundle
from trainers.evaluation.classifier_scores import LEVELS
from trainers.model_card import model_card

CASES = {"one": 40, "two": 39}  # radiographs of each source, every other one with atelectasis


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """A source with twenty of each kind, one with nineteen positives, one that taught nothing."""
    lines: list[dict[str, str]] = []
    for source, count in {**CASES, "other": 4}.items():
        for i in range(count):
            image = f"images/{source}{i}.png"
            write_image(tmp_path / image, noise_image(len(lines), 100, 100))
            present = int(i % 2 == 1)
            named = {"id": f"{source}{i}", "image": image, "dataset": source, "split": "test"}
            lines.append({**named, "patient_id": f"{source}{i}", "Atelectasis": str(present)})
    return write_manifest(tmp_path / "manifest.csv", lines)


@pytest.fixture
def bundle(tiny_bundle: Bundle, tmp_path: Path) -> Bundle:
    """A bundle that two sources taught, as it was written before its classifier was scored."""
    shutil.copytree(tiny_bundle.folder, tmp_path / "bundle")
    data = tuple(DataSource(name, "CC0", "nobody", {"classifier": 9}) for name in CASES)
    own = replace(
        tiny_bundle, folder=tmp_path / "bundle", data=data, measured={"recipe_searches": [1]}
    )
    return write_bundle(own, own.files)


def table(card: str, title: str) -> dict[str, list[str]]:
    """Return the cells of a table of the card by source, without the super-class."""
    lines = card.split(f"### {title}\n\n")[1].split("\n\n")[0].splitlines()[2:]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[1]: row[2:] for row in rows}


def test_a_bundle_whose_classifier_was_not_scored_says_so(bundle: Bundle) -> None:
    card = model_card(read_bundle(bundle.folder))
    assert "## Classifier under noise\n\nNot measured." in card


def test_the_figures_are_those_of_the_evaluation_within_the_sources_that_taught(
    bundle: Bundle, manifest: Path, tmp_path: Path
) -> None:
    measured = score_bundle(bundle.folder, manifest, "test", draws=50)
    found = evaluate_classifier(
        bundle.folder, manifest, "test", tmp_path / "out", sources=tuple(CASES), draws=50
    )
    expected = {(r.source, r.t): r for r in found.rows if not r.measures_source_look}
    assert {(r["source"], r["t"]) for r in measured["rows"]} == set(expected)
    assert {t for _, t in expected} == set(LEVELS)
    for row in measured["rows"]:
        theirs = expected[row["source"], row["t"]]
        assert row["auroc"]["value"] == theirs.auroc.value
        assert row["average_precision"]["high"] == theirs.average_precision.high
        assert (row["n"], row["positives"]) == (CASES[row["source"]], CASES[row["source"]] // 2)
    assert measured["images"] == CASES
    assert measured["patients"] == sum(CASES.values())


def test_scoring_changes_nothing_else_and_is_kept_in_the_description(
    bundle: Bundle, manifest: Path
) -> None:
    measured = score_bundle(bundle.folder, manifest, "test", draws=50)
    scored = read_bundle(bundle.folder)
    assert scored.measured == {"recipe_searches": [1], "classifier": measured}
    assert (scored.digest, scored.files) == (bundle.digest, bundle.files)
    (atelectasis,) = [card for card in scored.classes if card.metrics]
    at_t_0 = [row for row in measured["rows"] if row["t"] == 0]
    assert [m.auroc.value for m in atelectasis.metrics] == [r["auroc"]["value"] for r in at_t_0]


def test_the_card_shows_each_figure_with_its_interval_or_that_n_is_too_small(
    bundle: Bundle, manifest: Path
) -> None:
    measured = score_bundle(bundle.folder, manifest, "test", draws=50)
    card = model_card(read_bundle(bundle.folder))
    for name, title in (("auroc", "AUROC"), ("average_precision", "Average precision")):
        shown = table(card, title)
        assert shown["two"] == ["39", "19", *["n too small"] * len(LEVELS)]
        figures = [row[name] for row in measured["rows"] if row["source"] == "one"]
        cells = [f"{f['value']:.2f} ({f['low']:.2f} to {f['high']:.2f})" for f in figures]
        assert shown["one"] == ["40", "20", *cells]
    assert "79 radiographs of 79 patients (one 40, two 39)" in card


def test_a_figure_without_an_interval_says_so(bundle: Bundle) -> None:
    alone = {"value": 0.5, "low": None, "high": None, "n": 40}
    row = {"super_class": "Pleural", "source": "one", "t": 0, "n": 40, "positives": 20}
    rows = [{**row, "enough": True, "auroc": alone, "average_precision": alone}]
    manifest = {"file": "m.csv", "digest": "ab" * 32}
    said: dict[str, Any] = {"rows": rows, "manifest": manifest, "images": {"one": 40}, "draws": 9}
    measured = {"classifier": {**said, "split": "test", "patients": 1}}
    assert table(model_card(replace(bundle, measured=measured)), "AUROC")["one"] == [
        *("40", "20", "0.50 (no interval)"),
    ]


def test_what_cannot_be_scored_leaves_the_bundle_as_it_was(bundle: Bundle, manifest: Path) -> None:
    before = (bundle.folder / "bundle.json").read_bytes()
    text = manifest.read_text("utf-8").replace(",1,", ",,").replace(",0,", ",,")
    manifest.write_text(text, encoding="utf-8")
    with pytest.raises(ManifestError, match="nothing can be scored"):
        score_bundle(bundle.folder, manifest, "test")
    assert (bundle.folder / "bundle.json").read_bytes() == before


def test_the_command_prints_what_it_wrote(
    bundle: Bundle, manifest: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from app import main

    words = ["bundle", "score", str(bundle.folder), "--manifest", str(manifest), "--json"]
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == read_bundle(bundle.folder).measured["classifier"]
