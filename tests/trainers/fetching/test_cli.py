"""`daug data get` says what it would do, asks, and touches no network before it may."""

import json
import os
import pty
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app import app
from tests.trainers.fetching.archives import tar_of
from tests.trainers.fetching.source import Source
from trainers.fetching import catalogue
from trainers.fetching.catalogue import OPENI
from trainers.fetching.fault import FetchError
from trainers.fetching.progress import watched

CONTENT = tar_of({"ecgen-radiology/1.xml": os.urandom(2_000_000)})


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a network was asked")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture
def listed(source: Source, monkeypatch: pytest.MonkeyPatch) -> Source:
    """The catalogue with one small file on loopback."""
    source.files = {"reports": CONTENT}
    file = replace(OPENI.files[0], url=source.url("reports"), size=len(CONTENT))
    monkeypatch.setattr(catalogue, "CATALOGUE", (replace(OPENI, files=(file,)),))
    monkeypatch.setattr(
        catalogue.find_download, "__defaults__", ((replace(OPENI, files=(file,)),),)
    )
    return source


@pytest.mark.usefixtures("no_network")
def test_listing_and_trying_touch_no_network_and_no_folder(tmp_path: Path) -> None:
    run = CliRunner()
    said = json.loads(run.invoke(app, ["data", "get", "--list", "--json"]).stdout)
    assert [c["name"] for c in said["collections"]] == ["openi", "nih", "hannover"]
    folder = tmp_path / "nih"
    tried = run.invoke(app, ["data", "get", "nih", str(folder), "--dry-run"])
    assert tried.exit_code == 0
    assert "images_001.tar.gz: 2.0 GB, md5:fe8ed0a6961412fddcbb3603c11b3698" in tried.stdout
    assert "Data_Entry_2017_v2020.csv" in tried.stdout
    document = json.loads(
        run.invoke(app, ["data", "get", "openi", str(folder), "--dry-run", "--json"]).stdout
    )
    assert [f["checksum"] for f in document["files"]] == ["no checksum is published"] * 2
    assert not folder.exists()


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("arguments", [["--dry-run"], ["--yes"]])
def test_a_folder_that_cannot_be_is_said(tmp_path: Path, arguments: list[str]) -> None:
    folder = tmp_path / ("f" * 300)
    outcome = CliRunner().invoke(app, ["data", "get", "openi", str(folder), *arguments])
    assert isinstance(outcome.exception, FetchError)
    assert "cannot be used (File name too long)" in str(outcome.exception)


@pytest.mark.usefixtures("no_network")
def test_without_a_person_or_a_yes_nothing_is_fetched(tmp_path: Path) -> None:
    outcome = CliRunner().invoke(app, ["data", "get", "openi", str(tmp_path / "o")])
    assert isinstance(outcome.exception, FetchError)
    assert "Add --yes" in str(outcome.exception)
    assert "CC BY-NC-ND 4.0" in outcome.stderr
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(("answer", "fetched"), [(True, True), (False, False)])
def test_a_person_is_asked(
    tmp_path: Path, listed: Source, monkeypatch: pytest.MonkeyPatch, answer: bool, fetched: bool
) -> None:
    class Terminal:
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("trainers.fetching.cli.sys.stdin", Terminal())
    monkeypatch.setattr("typer.confirm", lambda *_, **__: answer)
    monkeypatch.setattr("trainers.fetching.cli.start_log", lambda: None)
    from trainers.fetching.cli import data_get

    if fetched:
        data_get("openi", tmp_path, None, True)
        assert (tmp_path / "ecgen-radiology" / "1.xml").stat().st_size == 2_000_000
    else:
        with pytest.raises(FetchError, match="Nothing was fetched"):
            data_get("openi", tmp_path, None, True)
    assert bool(listed.asked) == fetched


def test_a_run_answers_with_one_document(tmp_path: Path, listed: Source) -> None:
    arguments = ["data", "get", "openi", str(tmp_path), "--yes", "--unpack", "--json"]
    outcome = CliRunner().invoke(app, arguments)
    assert outcome.exception is None
    said = json.loads(outcome.stdout)
    assert said["became"] == {"NLMCXR_reports.tgz": "fetched"}
    assert said["then"] == f"daug data openi {tmp_path} -o {tmp_path}/manifest.csv"


def test_it_is_said_what_comes_next(tmp_path: Path, listed: Source) -> None:
    arguments = ["data", "get", "openi", str(tmp_path), "--yes"]
    said = CliRunner().invoke(app, arguments).stdout.splitlines()
    assert said == [
        "NLMCXR_reports.tgz: fetched.",
        "To unpack it, run the command again with --unpack.",
    ]
    again = CliRunner().invoke(app, [*arguments[:-1], "--unpack"]).stdout.splitlines()
    assert again == [
        "NLMCXR_reports.tgz: verified.",
        "ecgen-radiology: 1 file, unpacked.",
        f"Then: daug data openi {tmp_path} -o {tmp_path}/manifest.csv",
    ]
    assert len(listed.asked) == 1


def test_a_log_says_once_a_minute_how_far_it_is(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0

    def clock() -> float:
        return now

    with caplog.at_level("INFO"), watched(clock) as watch:
        for step in range(10):
            now = 20.0 * step
            watch("a.tgz", 1000 * step, 10_000)
    assert [record.getMessage() for record in caplog.records] == [
        f"a.tgz: {received} of 10,000 bytes" for received in ("3,000", "6,000", "9,000")
    ]


def test_a_collection_and_a_folder_are_needed() -> None:
    assert CliRunner().invoke(app, ["data", "get", "openi"]).exit_code == 2


SCRIPT = """
import signal
import sys
from dataclasses import replace
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
from trainers.fetching import catalogue
openi = catalogue.OPENI
one = replace(openi, files=(replace(openi.files[0], url=sys.argv[1], size=None),))
catalogue.find_download.__defaults__ = ((one,),)
import app
app.main(["data", "get", "openi", sys.argv[2], "--yes"])
"""


def test_ctrl_c_on_a_terminal_keeps_what_came_and_the_next_run_goes_on(
    tmp_path: Path, source: Source
) -> None:
    source.files = {"reports": CONTENT}
    source.stalls_after, source.stalls_for = [500_000], 120.0
    here, there = pty.openpty()
    command = [sys.executable, "-c", SCRIPT, source.url("reports"), str(tmp_path)]
    process = subprocess.Popen(command, stdout=there, stderr=there, stdin=subprocess.DEVNULL)
    os.close(there)
    partial = tmp_path / "NLMCXR_reports.tgz.partial"
    deadline = time.monotonic() + 60
    while not (partial.exists() and partial.stat().st_size == 500_000):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    said = b""
    try:
        while piece := os.read(here, 65536):
            said += piece
    except OSError:  # how a terminal says that nobody is there any more
        pass
    os.close(here)
    assert process.wait(timeout=60) == 130
    assert b"Stopped. What came so far is kept" in said
    assert b"Traceback" not in said
    assert partial.stat().st_size == 500_000
    done = subprocess.run(command, capture_output=True, timeout=120, check=True)
    assert b"fetched" in done.stdout
    assert source.asked[-1].start == 500_000
    assert (tmp_path / "NLMCXR_reports.tgz").read_bytes() == CONTENT
