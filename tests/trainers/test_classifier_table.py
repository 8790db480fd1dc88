import csv
import json
import math
from pathlib import Path
from typing import Any

import pytest

from daug.bundle import Estimate
from trainers.evaluation.classifier_scores import ALL_SOURCES, ScoreRow
from trainers.evaluation.classifier_table import (
    PAPER_AVERAGE_PRECISION,
    ClassifierEvaluation,
    document,
    markdown,
    spreadsheet_text,
    write_tables,
)

SOME = Estimate(0.7, 0.6, 0.8, 100)
NO_INTERVAL = Estimate(0.5, math.nan, math.nan, 4)


def row(source: str = "nih", t: int = 0, positives: int = 50, figure: Estimate = SOME) -> ScoreRow:
    return ScoreRow("Atelectasis", source, t, positives, 50, figure, figure, SOME)


def evaluation(*rows: ScoreRow, **changes: Any) -> ClassifierEvaluation:
    values: dict[str, Any] = {
        "bundle": {"name": "tiny", "version": "1", "digest": "ab" * 32},
        "manifest": {"file": "m.csv", "digest": "cd" * 32},
        "split": "test",
        "images": {"nih": 100},
        "patients": 90,
        "thumbnails": 3,
        "offered": ("Atelectasis",),
        "seed": 0,
        "draws": 1000,
        "rows": rows,
    }
    return ClassifierEvaluation(**{**values, **changes})


def test_json_has_the_keys_that_others_rely_on() -> None:
    (found,) = document(evaluation(row()))["rows"]
    assert {"super_class", "source", "t", "average_precision", "auroc", "prevalence"} <= set(found)
    for figure in ("average_precision", "auroc", "prevalence"):
        assert found[figure] == {"value": 0.7, "low": 0.6, "high": 0.8, "n": 100}
    assert (found["positives"], found["negatives"], found["enough"]) == (50, 50, True)


def test_an_undefined_bound_is_null_in_json_and_blank_in_csv(tmp_path: Path) -> None:
    paths = write_tables(evaluation(row(figure=NO_INTERVAL)), tmp_path / "new" / "folder")

    def refuse(word: str) -> None:
        pytest.fail(f"{word} is no JSON")

    values = json.loads(paths["json"].read_text("utf-8"), parse_constant=refuse)
    assert values["rows"][0]["auroc"] == {"value": 0.5, "low": None, "high": None, "n": 4}
    with paths["csv"].open(newline="", encoding="utf-8") as file:
        (line,) = csv.DictReader(file)
    assert (line["auroc_value"], line["auroc_low"], line["auroc_high"]) == ("0.5", "", "")
    assert "(no interval)" in paths["md"].read_text("utf-8")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_no_cell_of_the_csv_is_a_formula(text: str, tmp_path: Path) -> None:
    paths = write_tables(evaluation(row(source=text)), tmp_path)
    with paths["csv"].open(newline="", encoding="utf-8") as file:
        (line,) = csv.DictReader(file)
    assert line["source"] == f"'{text}"


def test_harmless_text_stays_as_it_is() -> None:
    assert spreadsheet_text("Pleural = + - @") == "Pleural = + - @"


def test_the_report_leads_with_clean_figures_within_sources_and_ends_with_pooled_ones() -> None:
    text = markdown(evaluation(row(), row(t=100), row(ALL_SOURCES)))
    clean, noised, pooled = (text.index(s) for s in ("| nih | 0 |", "| nih | 100 |", "| all | 0 |"))
    assert clean < noised < text.index("measure source look too") < pooled


def test_the_papers_figure_stands_beside_ours_and_is_said_not_to_compare() -> None:
    text = markdown(evaluation(row()))
    (line,) = [line for line in text.splitlines() if line.startswith("| Atelectasis")]
    assert "| 0.700 (0.600 to 0.800) |" in line
    assert "| 0.778 |" in line
    assert "MIMIC-CXR. It is not comparable" in text


def test_the_papers_table_4_is_copied_right() -> None:
    expected = [0.631, 0.885, 0.407, 0.857, 0.778, 0.746, 0.633]
    assert list(PAPER_AVERAGE_PRECISION.values()) == expected


def test_too_few_radiographs_and_untrained_classes_are_said_in_words() -> None:
    text = markdown(evaluation(row(positives=19), offered=("Pleural",)))
    (line,) = [line for line in text.splitlines() if line.startswith("| Atelectasis")]
    assert line.endswith("| n too small |")
    assert "Not offered, too few training examples: Atelectasis." in text
    assert "n too small |" not in markdown(evaluation(row()))


def test_a_bar_in_a_name_does_not_break_the_markdown_table() -> None:
    (line,) = [s for s in markdown(evaluation(row(source="a|b\nc"))).splitlines() if "a\\|b c" in s]
    assert line.replace("\\|", "").count("|") == 10
