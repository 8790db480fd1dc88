import json
from pathlib import Path

import cv2
import pytest

from daug.bundle import Estimate
from daug.errors import TrainingError
from trainers.evaluation.classifier_scores import ScoreRow
from trainers.evaluation.curves import draw_loss_curve, draw_noise_curves, lasting, smoothed


def write_log(path: Path, steps: list[int], loss: float = 0.5) -> Path:
    lines = [{"step": s, "images": 8 * s, "seconds": s, "loss": loss} for s in steps]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


@pytest.mark.parametrize("loss", [0.5, 0.0, -1.0])
def test_the_loss_curve_is_a_picture(tmp_path: Path, loss: float) -> None:
    picture = tmp_path / "pictures" / "loss.png"
    draw_loss_curve(write_log(tmp_path / "log.jsonl", [1, 2, 3], loss), picture)
    image = cv2.imread(str(picture))
    assert image is not None
    assert image.std() > 0


def test_the_noise_curves_are_a_picture_even_where_bounds_are_missing(tmp_path: Path) -> None:
    nan = float("nan")
    rows = [
        ScoreRow(name, "nih", t, count, 30, figure, figure, figure)
        for name, count, figure in (
            ("Atelectasis", 30, Estimate(0.6, 0.5, 0.7, 60)),
            ("Pleural", 3, Estimate(0.6, nan, nan, 33)),
        )
        for t in (0, 100)
    ]
    draw_noise_curves(rows, tmp_path / "new" / "curves.png")
    assert cv2.imread(str(tmp_path / "new" / "curves.png")) is not None


@pytest.mark.parametrize("text", ["", '{"step": 1', '{"step": 1}\n', "[1]\n"])
def test_a_log_that_makes_no_curve_is_refused(tmp_path: Path, text: str) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text(text, encoding="utf-8")
    with pytest.raises(TrainingError, match=r"log\.jsonl"):
        draw_loss_curve(log, tmp_path / "loss.png")


def test_steps_that_a_resumed_run_repeats_are_shown_once() -> None:
    lines = [{"step": s, "loss": i} for i, s in enumerate([1, 2, 3, 4, 3, 4, 5])]
    assert [(line["step"], line["loss"]) for line in lasting(lines)] == [
        *((1, 0), (2, 1)),
        *((3, 4), (4, 5), (5, 6)),
    ]


def test_the_bold_line_is_the_mean_of_the_latest_points() -> None:
    assert smoothed([4, 2, 0, 1], over=2) == [4, 3, 1, 0.5]
