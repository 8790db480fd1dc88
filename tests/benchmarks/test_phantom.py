import json

import pytest
from typer.testing import CliRunner

import app
from benchmarks.phantom import time_phantoms


def test_the_rate_is_phantoms_over_processor_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 2.0, 10.0, 14.0, 20.0, 25.0])  # before and after each kind
    monkeypatch.setattr("time.process_time", lambda: next(clock))
    results = time_phantoms(64, 10)["results"]
    assert [row["images_per_second"] for row in results] == [5.0, 2.5, 2.0]


def test_the_command_tells_each_kind_of_phantom() -> None:
    words = ["bench", "phantom", "--size", "64", "--phantoms", "10", "--json"]
    values = json.loads(CliRunner().invoke(app.app, words).stdout)
    assert [row["what"] for row in values["results"]] == [
        "no finding",
        "findings as in training, 0.3 of each",
        "all six findings",
    ]
    assert all(row["images_per_second"] > 0 for row in values["results"])
