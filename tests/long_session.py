"""One process that opens thousands of files, and what that leaves behind.

    python -m tests.long_session --bundle assets/models/cxr-demo --library /tmp/library \
        --shared ../shared --count 5000

Prints one JSON document: how many files were loaded and refused, what went wrong, and how the
process's memory, open files and temporary files grew.
"""

import argparse
import ctypes
import gc
import json
import os
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path

import numpy as np

from app import Tools
from daug.errors import DaugError
from daug.findings import Activation, Direction
from daug.radiograph import Radiograph
from daug.workstation import Workstation, finish
from tests.session_files import SECRETS, Incoming, SessionFiles

SCORED_EVERY, DRAWN_EVERY = 5, 25  # of the radiographs that load
BLANK = np.eye(64, dtype=np.float32)  # in place of pixels, whose digits may spell anything
PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 2**20


@dataclass
class Findings:
    """What a session came to."""

    loaded: dict[str, int] = field(default_factory=dict)  # by kind of file
    refused: dict[str, int] = field(default_factory=dict)
    scored: int = 0
    drawn: int = 0
    faults: list[str] = field(default_factory=list)  # what must never be
    rss_mb: list[float] = field(default_factory=list)  # at every twentieth of the session
    open_files: list[int] = field(default_factory=list)
    left_behind: list[str] = field(default_factory=list)  # temporary files


def run(workstation: Workstation, files: Iterator[Incoming], count: int) -> Findings:
    """Open so many files, score and draw some, and look at every word that is said of them."""
    found = Findings()
    with tempfile.TemporaryDirectory() as name:
        tempfile.tempdir = name  # where libraries would leave theirs
        inbox = Path(name) / "inbox-on-the-server"
        inbox.mkdir()
        for number, incoming in enumerate(islice(files, count)):
            try:
                _open(workstation, inbox, incoming, number, found)
            except Exception as error:  # noqa: BLE001 - that none comes is the point
                found.faults.append(f"{number}, {incoming.kind}: {type(error).__name__}: {error}")
            if number % max(1, count // 20) == 0 or number == count - 1:
                _measure(found)
        found.left_behind = [str(path) for path in Path(name).rglob("*") if path != inbox]
    return found


def _open(
    workstation: Workstation, inbox: Path, incoming: Incoming, number: int, found: Findings
) -> None:
    path = inbox / incoming.name
    path.write_bytes(incoming.data)
    said: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            radiograph = workstation.load(path, frame=(None, None, 1, 2)[number % 4])
            found.loaded[incoming.kind] = found.loaded.get(incoming.kind, 0) + 1
            said += [repr(replace(radiograph, pixels=BLANK)), radiograph.digest]
            _use(workstation, radiograph, found)
        except DaugError as refusal:
            found.refused[incoming.kind] = found.refused.get(incoming.kind, 0) + 1
            said.append(str(refusal))
            if "\n" in str(refusal) or not str(refusal).endswith("."):
                found.faults.append(f"{number}: no sentence: {refusal}")
        finally:
            path.unlink()
    for words in said:
        told = [secret for secret in (*SECRETS, inbox.name) if secret in words.lower()]
        if told:
            found.faults.append(f"{number}, {incoming.kind}: tells {told}: {words}")


def _use(workstation: Workstation, radiograph: Radiograph, found: Findings) -> None:
    """Score a share of the radiographs, and draw one map of a share of these."""
    loaded = sum(found.loaded.values())
    if loaded % SCORED_EVERY == 0:
        workstation.score(radiograph)
        found.scored += 1
    if loaded % DRAWN_EVERY == 0:
        recipe = workstation.bundle.recipe_for("no finding", Direction.MORE, Activation.SOFTMAX)
        finish(workstation.draw_heatmaps(radiograph, [recipe]))
        found.drawn += 1


def _measure(found: Findings) -> None:
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc alone has it
    if trim is not None:
        trim(0)  # what is free but not given back is no growth
    resident = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    found.rss_mb.append(round(resident * PAGE_MB, 1))
    found.open_files.append(len(os.listdir("/proc/self/fd")))  # noqa: PTH208


def main() -> None:
    """Run a session and print what it came to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", type=Path, required=True, help="folder of models")
    parser.add_argument("--library", type=Path, required=True, help="its key hides patients")
    parser.add_argument("--shared", type=Path, help="folder of real radiographs, if any")
    parser.add_argument("--count", type=int, default=600)
    parser.add_argument("--seed", type=int, default=0)
    words = parser.parse_args()
    workstation = Tools().open_workstation(words.bundle, words.library)
    found = run(workstation, iter(SessionFiles(words.seed, words.shared)), words.count)
    print(json.dumps(asdict(found)))  # noqa: T201 - this is its report


if __name__ == "__main__":
    main()
