"""One file from its source, through interruptions, to a partial that is as long as it should be."""

import errno
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from io import RawIOBase

from trainers.fetching.addresses import host_of
from trainers.fetching.asking import PATIENCE, Answer, ask
from trainers.fetching.fault import Dropped, FetchError, Unreachable
from trainers.fetching.partial import Partial

CHUNK = 1 << 18  # bytes
ATTEMPTS = 6  # in a row that bring nothing
ATTEMPTS_TO_REACH = 2
FIRST_PAUSE = 1.0  # seconds; doubled from attempt to attempt

Watch = Callable[[str, int, int | None], None]  # file, bytes so far, bytes in all if known


@dataclass(frozen=True)
class Line:
    """How this machine deals with a network, its disk and time."""

    pause: Callable[[float], None]  # waits seconds
    free: Callable[[], int]  # bytes that the disk still takes
    watch: Watch
    patience: float = PATIENCE  # seconds without a byte


def receive(partial: Partial, line: Line) -> None:
    """Fetch a file, going on where an earlier attempt or run left off.

    Raises:
        FetchError: If it cannot be had, or the disk is full; what came so far is kept.
        Unreachable: If nobody answers from the first.
    """
    in_vain, answered = 0, False
    furthest = partial.size  # a file that is begun anew each time gets nowhere, whatever comes
    while True:
        try:
            _receive_rest(partial, line)
            return
        except Dropped as fault:
            in_vain = 1 if partial.size > furthest else in_vain + 1
            furthest = max(furthest, partial.size)
            answered = answered or not isinstance(fault, Unreachable)
            if not answered and in_vain >= ATTEMPTS_TO_REACH:
                raise
            if in_vain >= ATTEMPTS:
                raise FetchError(
                    f"{partial.file.name} is not whole: {fault}, {in_vain} times in a row. "
                    f"{partial.size:,} bytes are kept; run the command again to go on."
                ) from fault
            line.pause(FIRST_PAUSE * 2 ** (in_vain - 1) if fault.wait is None else fault.wait)


def _receive_rest(partial: Partial, line: Line) -> None:
    if partial.size and not partial.can_go_on():
        partial.restart()
    start = partial.size
    with ask(
        partial.file.url, start, partial.validator() if start else "", line.patience
    ) as answer:
        if answer.stream is None:
            if answer.total == start:
                return
            partial.restart()
            raise Dropped(f"{host_of(partial.file.url)} has fewer bytes than were received")
        _check_length(partial, answer.total)
        _join(partial, answer)
        _check_room(partial, answer, line)
        _append(partial, answer, answer.stream, line)


def _join(partial: Partial, answer: Answer) -> None:
    """Make the partial end where the answer begins, of one and the same file.

    Raises:
        Dropped: If it has to be asked for anew.
    """
    if not answer.start:  # the beginning; or Range was ignored, or the file is another by now
        partial.restart()
        try:
            partial.note(answer.validator)
        except OSError as error:
            raise _unwritable(partial, error) from error
    elif answer.start != partial.size or answer.validator not in ("", partial.validator()):
        partial.restart()
        raise Dropped(f"{host_of(partial.file.url)} sends the rest of another file")


def _append(partial: Partial, answer: Answer, stream: HTTPResponse, line: Line) -> None:
    """Write what comes, as it comes."""
    received = answer.start
    try:
        file = partial.open()
    except OSError as error:
        raise _unwritable(partial, error) from error
    with file:
        while chunk := _read(stream, partial):
            try:
                _write(file, chunk)
            except OSError as error:
                raise _unwritable(partial, error) from error
            received += len(chunk)
            line.watch(partial.file.name, received, answer.total)
    if answer.total is not None and received != answer.total:
        raise Dropped(
            f"{host_of(partial.file.url)} broke off after {received:,} of {answer.total:,} bytes"
        )


def _write(file: RawIOBase, chunk: bytes) -> None:
    """Write all of it; a disk that is nearly full takes the beginning."""
    left = memoryview(chunk)
    while left:
        left = left[file.write(left) or 0 :]


def _read(stream: HTTPResponse, partial: Partial) -> bytes:
    try:
        return stream.read1(CHUNK)  # what is there: nothing received is lost if the next byte fails
    except (HTTPException, OSError) as error:
        reason = str(error) or type(error).__name__
        raise Dropped(f"{host_of(partial.file.url)} broke off ({reason})") from error


def _check_length(partial: Partial, total: int | None) -> None:
    file = partial.file
    if total is not None and file.size_is_exact and file.size not in (None, total):
        raise FetchError(
            f"{file.name}: {host_of(file.url)} offers {total:,} bytes, but the file has "
            f"{file.size:,}. It is not fetched; look at the collection's page for what changed."
        )


def _check_room(partial: Partial, answer: Answer, line: Line) -> None:
    if answer.total is None:
        return
    needed = answer.total - answer.start
    if needed > line.free():
        raise FetchError(
            f"{partial.file.name} needs {needed:,} bytes more, but the disk of "
            f"{partial.path.parent} has {line.free():,} left. Make room or name another folder."
        )


def _unwritable(partial: Partial, error: OSError) -> FetchError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return FetchError(
            f"The disk of {partial.path.parent} is full. {partial.size:,} bytes of "
            f"{partial.file.name} are kept; make room and run the command again to go on."
        )
    return FetchError(
        f"{partial.path} cannot be written ({error.strerror or error}). Name a folder that you "
        "may write to."
    )
