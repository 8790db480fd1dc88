"""`daug doctor` as a person runs it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer

from daug import machine_checks
from daug.checkup import Check
from tests.conftest import REPOSITORY
from ui.doctor_cli import add_commands

# What this machine may lack at the moment, without anything being wrong with DAug.
OTHERS_DOING = {"port", "memory", "temporary folder", "processor", "accelerator"}


def test_the_shipped_bundle_on_this_machine_is_in_order(tmp_path: Path) -> None:
    words = ("doctor", "--json", "--library", str(tmp_path / "library"))
    command = [sys.executable, "-m", "app", *words]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    values = json.loads(done.stdout)
    checks = [Check(**check) for check in values["checks"]]
    assert values["ok"] == all(check.ok for check in checks) == (done.returncode == 0)
    assert not [check for check in checks if not check.ok and check.name not in OTHERS_DOING]
    names = [check.name for check in checks]
    assert len(names) == len(set(names))
    expected = {"python", "library torch", "bundle models", "library key", "fonts", "port"}
    assert expected <= set(names)


def test_a_broken_bundle_and_an_impossible_library_leave_the_other_checks_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from app import main

    few = [("python", lambda: machine_checks.python_version(">=3.11"))]  # all of them take long
    monkeypatch.setattr(machine_checks, "machine_checks", lambda: few)
    (tmp_path / "bundle.json").write_text("{")
    (tmp_path / "library").write_text("a file")
    words = ["--json", "--bundle", str(tmp_path), "--library", str(tmp_path / "library")]
    with pytest.raises(SystemExit) as end:
        main(["doctor", *words])
    printed = capsys.readouterr()
    values = json.loads(printed.out)
    assert (end.value.code, values["ok"]) == (1, False)
    assert "checks are not in order." in printed.err
    ok = {check["name"]: check["ok"] for check in values["checks"]}
    assert not any(ok[name] for name in ("bundle files", "bundle models", "library folder"))
    assert ok["python"]
    assert ok["sqlite"]
    assert ok["fonts"]
    assert "bundle.json: is not JSON" in printed.out


@dataclass
class Told:
    """Hands in checks, and remembers what it was asked for."""

    checks: tuple[Check, ...]
    asked: tuple[Path | None, Path | None] = (None, None)

    def checkup(self, bundle: Path | None, library: Path | None) -> Iterator[Check]:
        self.asked = (bundle, library)
        for check in self.checks:
            print("a greeting of some library")  # noqa: T201
            yield check


def say(told: Told, *words: str) -> int:
    app = typer.Typer()

    @app.callback()
    def hand_over(ctx: typer.Context) -> None:
        ctx.obj = told

    add_commands(app)
    with pytest.raises(SystemExit) as end:
        app(args=["doctor", *words])
    assert isinstance(end.value.code, int)
    return end.value.code


def test_each_check_is_a_line_and_what_is_wrong_stands_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = Told((Check("fonts", True, "both load"), Check("port", False, "taken. Close it.")))
    assert say(told, "--bundle", "b", "--library", "l") == 1
    printed = capsys.readouterr()
    assert printed.out == "ok     fonts: both load\nWRONG  port: taken. Close it.\n"
    assert "1 of 2 checks are not in order." in printed.err
    assert told.asked == (Path("b"), Path("l"))


def test_the_document_stands_alone_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert say(Told((Check("fonts", True, "both load"),)), "--json") == 0
    printed = capsys.readouterr()
    checks = [{"name": "fonts", "ok": True, "message": "both load"}]
    assert json.loads(printed.out) == {"ok": True, "checks": checks}
    assert "a greeting" in printed.err
