"""All of a collection, file after file: fetched, verified, kept on record, unpacked if asked."""

import logging
import shlex
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from trainers.fetching.addresses import host_of
from trainers.fetching.checksums import checked_sha256
from trainers.fetching.fault import FetchError, Unreachable, usable
from trainers.fetching.partial import Partial
from trainers.fetching.plan import Plan
from trainers.fetching.receipt import Receipt
from trainers.fetching.record import RemoteFile
from trainers.fetching.transfer import Line, receive
from trainers.fetching.unpacking import unpack

LOCK_FILE = ".daug-get.lock"
FETCHED, VERIFIED, TAKEN = "fetched", "verified", "taken as it was put there"
log = logging.getLogger(__name__)


def fetch(plan: Plan, line: Line, today: Callable[[], str]) -> dict[str, Any]:
    """Fetch what is missing of a collection, and verify what is there.

    Args:
        plan: What, and where to.
        line: How the network, the disk and time are dealt with.
        today: The date, for the record.

    Returns:
        The plan's document, what became of each file, and what was unpacked.

    Raises:
        FetchError: If a file cannot be had or is not what it should be, or the folder is in use.
            Whole files stay, and so does the beginning of the one that was under way.
    """
    with usable(plan.folder):
        plan.folder.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(plan.folder / LOCK_FILE, timeout=0):
                return _fetch_all(plan, line, today)
        except Timeout as error:
            raise FetchError(
                f"{plan.folder} is being filled by another run. Wait for it."
            ) from error


def _fetch_all(plan: Plan, line: Line, today: Callable[[], str]) -> dict[str, Any]:
    plan.check_room(line.free())
    receipt = Receipt(plan.folder)
    became = {file.name: _have(file, plan, receipt, line, today) for file in plan.files}
    unpacked = [_unpack_once(file, plan.folder, receipt) for file in plan.files if plan.unpack]
    listed = None
    if unpacked and plan.download.tabulate is not None:
        listed = plan.download.tabulate(plan.folder)
    return {
        **plan.document(),
        "became": became,
        "unpacked": unpacked,
        "listed": listed,
        "then": plan.download.then.format(root=shlex.quote(str(plan.folder))),
    }


def _have(
    file: RemoteFile, plan: Plan, receipt: Receipt, line: Line, today: Callable[[], str]
) -> str:
    """Make sure that a file is there and is what it should be; say how."""
    path, known = plan.folder / file.name, receipt.of(file)
    if path.exists():
        try:
            sha256 = checked_sha256(file, path)
        except FetchError as error:
            raise FetchError(f"{error} Move it away and run the command again.") from error
        if known and known.get("sha256") != sha256:
            raise FetchError(
                f"{path} is not what was received: its SHA-256 is {sha256}, received was "
                f"{known.get('sha256')}. Move it away and run the command again."
            )
        if not known:
            _keep(file, path, sha256, receipt, today)
        return VERIFIED if known or file.checksum else TAKEN
    partial = Partial(plan.folder, file)
    log.info("%s from %s", file.name, host_of(file.url))
    try:
        receive(partial, line)
    except Unreachable as fault:
        raise FetchError(_by_hand(plan, fault)) from fault
    try:
        sha256 = checked_sha256(file, partial.path)
    except FetchError as error:
        partial.restart()  # going on with it could never mend it
        raise FetchError(f"{error} It was thrown away; run the command again.") from error
    partial.become(path)
    _keep(file, path, sha256, receipt, today)
    return FETCHED


def _keep(
    file: RemoteFile, path: Path, sha256: str, receipt: Receipt, today: Callable[[], str]
) -> None:
    receipt.keep(
        file,
        url=file.url,
        bytes=path.stat().st_size,
        sha256=sha256,
        published=file.published,
        received=today(),
    )


def _unpack_once(file: RemoteFile, folder: Path, receipt: Receipt) -> dict[str, Any]:
    """Unpack an archive unless exactly it was unpacked before; say what was in it."""
    known = receipt.of(file)
    before: dict[str, Any] = known.get("unpacked", {})
    if before.get("sha256") == known["sha256"] and (folder / file.unpack_to).is_dir():
        return {**before, "again": False}
    log.info("Unpacking %s", file.name)
    found = {**asdict(unpack(file, folder)), "sha256": known["sha256"]}
    receipt.keep(file, unpacked=found)
    return {**found, "again": True}


def _by_hand(plan: Plan, fault: Unreachable) -> str:
    """Return what to do where there is no network."""
    addresses = "\n".join(f"  {file.name}  {file.url}" for file in plan.missing)
    return (
        f"Nothing more was fetched, since {fault}: fetch these with another machine, put them into "
        f"{plan.folder} under these names and run the command again, which then verifies them.\n"
        f"{addresses}"
    )
