"""A file arrives byte for byte, through whatever a network does to it, or not at all."""

import errno
import hashlib
import io
import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.trainers.fetching.conftest import CONTENT, Calm, received
from tests.trainers.fetching.source import Source
from trainers.fetching.addresses import check_address
from trainers.fetching.fault import FetchError, Unreachable
from trainers.fetching.partial import Partial
from trainers.fetching.record import RemoteFile
from trainers.fetching.transfer import ATTEMPTS, receive

OTHER = CONTENT[::-1]


def test_a_file_arrives_byte_for_byte(partial: Partial, source: Source, calm: Calm) -> None:
    assert received(partial, calm) == CONTENT
    assert [asked.coding for asked in source.asked] == ["identity"]  # bytes as they are stored
    assert calm.seen[-1] == ("a.bin", len(CONTENT), len(CONTENT))
    assert calm.waited == []


def test_what_breaks_off_is_gone_on_with(partial: Partial, source: Source, calm: Calm) -> None:
    source.breaks_after = [100_000, 50_000]
    assert received(partial, calm) == CONTENT
    assert [asked.start for asked in source.asked] == [0, 100_000, 150_000]
    assert [asked.if_range for asked in source.asked] == ["", '"one"', '"one"']


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(breaks=st.lists(st.integers(0, 70_000), max_size=8))
def test_no_way_of_breaking_off_changes_a_byte(
    tmp_path: Path, source: Source, breaks: list[int]
) -> None:
    source.breaks_after = [count + 1 for count in breaks]
    partial = Partial(tmp_path, RemoteFile("a.bin", source.url("a.bin")))
    partial.restart()
    assert received(partial, Calm()) == CONTENT


def test_a_second_run_goes_on_where_the_first_was_killed(
    partial: Partial, source: Source, calm: Calm
) -> None:
    def stop(name: str, so_far: int, total: int | None) -> None:
        if so_far > 300_000:
            raise KeyboardInterrupt

    line = calm.line()
    with pytest.raises(KeyboardInterrupt):
        receive(partial, type(line)(line.pause, line.free, stop))
    kept = partial.size
    assert 300_000 < kept < len(CONTENT)
    again = Partial(partial.path.parent, partial.file)
    assert received(again, calm) == CONTENT
    assert source.asked[-1].start == kept


def test_a_source_that_ignores_range_is_begun_anew(
    partial: Partial, source: Source, calm: Calm
) -> None:
    source.breaks_after = [100_000]
    source.ignores_range = True
    assert received(partial, calm) == CONTENT


def test_a_file_that_changed_meanwhile_is_begun_anew(
    partial: Partial, source: Source, calm: Calm
) -> None:
    source.breaks_after = [100_000]

    def change(now: Source) -> None:
        if now.asked:
            now.files["a.bin"], now.etag = OTHER, '"two"'

    source.before_each = change
    assert received(partial, calm) == OTHER


def test_the_rest_of_another_file_is_never_joined(
    partial: Partial, source: Source, calm: Calm
) -> None:
    """A source that heeds Range and not If-Range sends the end of a file that was not begun."""
    source.breaks_after = [100_000]
    source.ignores_if_range = True

    def change(now: Source) -> None:
        if now.asked:
            now.files["a.bin"], now.etag = OTHER, '"two"'

    source.before_each = change
    assert received(partial, calm) == OTHER


@pytest.mark.parametrize("etag", ["", 'W/"weak"'])
def test_what_cannot_be_known_again_is_begun_anew(
    partial: Partial, source: Source, calm: Calm, etag: str
) -> None:
    source.etag, source.breaks_after = etag, [100_000]
    assert received(partial, calm) == CONTENT
    assert [asked.start for asked in source.asked] == [0, 0]


def test_a_date_tells_a_file_from_a_later_one(partial: Partial, source: Source, calm: Calm) -> None:
    source.etag, source.changed = "", "Thu, 01 Jan 2026 00:00:00 GMT"
    source.breaks_after = [100_000]
    assert received(partial, calm) == CONTENT
    assert [(asked.start, asked.if_range) for asked in source.asked] == [
        (0, ""),
        (100_000, source.changed),
    ]


@pytest.mark.parametrize("notes", ["", "{", "[]", '{"url": 1}'])
def test_a_partial_without_sound_notes_is_begun_anew(
    partial: Partial, source: Source, calm: Calm, notes: str
) -> None:
    partial.path.write_bytes(b"x" * 1000)
    partial.notes.write_text(notes)
    assert received(partial, calm) == CONTENT
    assert source.asked[0].start == 0


def test_the_rest_from_another_byte_is_never_joined(
    partial: Partial, source: Source, calm: Calm
) -> None:
    partial.path.write_bytes(CONTENT[:500])
    partial.note('"one"')
    rest = {"Content-Range": f"bytes 700-{len(CONTENT) - 1}/{len(CONTENT)}", "ETag": '"one"'}
    source.answers = [(206, rest)]
    assert received(partial, calm) == CONTENT
    assert [asked.start for asked in source.asked] == [500, 0]


@pytest.mark.parametrize("status", [204, 206])
def test_an_answer_that_is_neither_a_file_nor_a_rest_is_refused(
    partial: Partial, source: Source, calm: Calm, status: int
) -> None:
    source.answers = [(status, {})]
    with pytest.raises(FetchError, match=f"answers {status} where a file was asked for"):
        receive(partial, calm.line())
    assert partial.size == 0


def test_the_proxy_that_the_system_names_is_asked(
    source: Source, tmp_path: Path, calm: Calm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "example.org")
    monkeypatch.setenv("http_proxy", source.address)
    url = "http://127.0.0.1:9/b.bin"
    source.files[url] = OTHER
    assert received(Partial(tmp_path, RemoteFile("b.bin", url)), calm) == OTHER


def test_a_published_checksum_allows_to_go_on_without_a_tag(
    source: Source, tmp_path: Path, calm: Calm
) -> None:
    source.etag, source.breaks_after = "", [100_000]
    checksum = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
    partial = Partial(tmp_path, RemoteFile("a.bin", source.url("a.bin"), checksum=checksum))
    assert received(partial, calm) == CONTENT
    assert [asked.start for asked in source.asked] == [0, 100_000]


def test_a_partial_of_another_address_is_begun_anew(
    partial: Partial, source: Source, calm: Calm
) -> None:
    partial.path.write_bytes(b"x" * 1000)
    partial.note('"one"')
    source.files["b.bin"] = OTHER
    moved = Partial(partial.path.parent, RemoteFile("a.bin", source.url("b.bin")))
    assert received(moved, calm) == OTHER


def test_a_partial_that_is_whole_already_is_taken(
    partial: Partial, source: Source, calm: Calm
) -> None:
    partial.path.write_bytes(CONTENT)
    partial.note('"one"')
    calm.room = 0  # nothing more is needed
    assert received(partial, calm) == CONTENT
    assert len(source.asked) == 1


def test_a_rest_needs_room_for_itself_alone(partial: Partial, calm: Calm) -> None:
    partial.path.write_bytes(CONTENT[:-10])
    partial.note('"one"')
    calm.room = 10
    assert received(partial, calm) == CONTENT


def test_a_partial_longer_than_the_file_is_begun_anew(
    partial: Partial, source: Source, calm: Calm
) -> None:
    partial.path.write_bytes(CONTENT + b"more")
    partial.note('"one"')
    assert received(partial, calm) == CONTENT


def test_a_length_that_is_not_told_is_no_hindrance(
    partial: Partial, source: Source, calm: Calm
) -> None:
    source.tells_length = False
    source.breaks_after = [100_000]
    assert received(partial, calm) == CONTENT
    assert calm.seen[0][2] is None


def test_a_rest_of_untold_length_that_breaks_off_is_not_taken_for_whole(
    partial: Partial, source: Source, calm: Calm
) -> None:
    source.tells_total = False
    source.breaks_after = [100_000, 50_000]
    assert received(partial, calm) == CONTENT
    assert [asked.start for asked in source.asked] == [0, 100_000, 150_000]


@pytest.mark.parametrize(
    ("status", "header", "arrives"),
    [(200, ("Content-Length", ""), b""), (416, ("Content-Range", "bytes */"), CONTENT)],
)
def test_a_length_that_no_file_has_counts_as_untold(
    partial: Partial,
    source: Source,
    calm: Calm,
    status: int,
    header: tuple[str, str],
    arrives: bytes,
) -> None:
    source.answers = [(status, {header[0]: header[1] + "9" * 5000})]
    partial.path.write_bytes(CONTENT[:500])
    partial.note('"one"')
    assert received(partial, calm) == arrives


def test_a_silent_source_counts_as_broken_off(partial: Partial, source: Source, calm: Calm) -> None:
    source.stalls_after = [100_000]
    assert received(partial, calm, patience=0.2) == CONTENT
    assert source.asked[-1].start == 100_000


def test_it_is_given_up_when_nothing_more_comes_and_what_came_is_kept(
    partial: Partial, source: Source, calm: Calm
) -> None:
    source.breaks_after = [100_000] + [0] * ATTEMPTS
    with pytest.raises(FetchError, match=r"a\.bin is not whole.*broke off.*100,000 bytes are kept"):
        receive(partial, calm.line())
    assert partial.path.read_bytes() == CONTENT[:100_000]
    assert calm.waited == [1, 2, 4, 8, 16]


def test_beginning_anew_again_and_again_is_given_up(
    partial: Partial, source: Source, calm: Calm
) -> None:
    """Without Range, what comes after a shorter attempt is no step ahead."""
    source.ignores_range = True
    source.breaks_after = [100_000, 50_000] * 20
    with pytest.raises(FetchError, match="is not whole"):
        receive(partial, calm.line())
    assert len(source.asked) == ATTEMPTS


def test_a_network_that_is_gone_for_a_moment_ends_nothing(
    partial: Partial, source: Source, calm: Calm, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.breaks_after = [100_000]
    at_first, gone = socket.create_connection, [OSError(errno.ENETUNREACH, "No network")] * 4

    def connect(*args: Any, **kwargs: Any) -> socket.socket:
        if source.asked and gone:
            raise gone.pop()
        return at_first(*args, **kwargs)

    monkeypatch.setattr(socket, "create_connection", connect)
    assert received(partial, calm) == CONTENT
    assert calm.waited == [1, 2, 4, 8, 16]


def test_a_busy_source_is_asked_again_when_it_says(
    partial: Partial, source: Source, calm: Calm
) -> None:
    source.answers = [(503, {"Retry-After": "7"}), (429, {}), (500, {"Retry-After": "9999"})]
    assert received(partial, calm) == CONTENT
    assert calm.waited == [7, 2, 120]


@pytest.mark.parametrize("status", [401, 403, 404, 410, 416])
def test_a_refusal_is_not_asked_again(
    partial: Partial, source: Source, calm: Calm, status: int
) -> None:
    source.answers = [(status, {})]
    with pytest.raises(FetchError, match=rf"answers {status} .*fetch it by hand"):
        receive(partial, calm.line())
    assert len(source.asked) == 1


def test_another_length_than_published_is_refused_before_a_byte_is_kept(
    source: Source, tmp_path: Path, calm: Calm
) -> None:
    partial = Partial(tmp_path, RemoteFile("a.bin", source.url("a.bin"), size=5))
    with pytest.raises(FetchError, match=r"offers 1,048,576 bytes, but the file has 5"):
        receive(partial, calm.line())
    assert partial.size == 0


def test_a_length_that_is_about_so_much_is_not_held_against_the_source(
    source: Source, tmp_path: Path, calm: Calm
) -> None:
    file = RemoteFile("a.bin", source.url("a.bin"), size=5, size_is_exact=False)
    assert received(Partial(tmp_path, file), calm) == CONTENT


def test_redirects_on_this_machine_are_followed_with_the_range(
    partial: Partial, source: Source, calm: Calm
) -> None:
    partial.path.write_bytes(CONTENT[:500])
    partial.note('"one"')
    source.files["elsewhere"] = CONTENT
    source.answers = [(302, {"Location": source.url("elsewhere")})]
    assert received(partial, calm) == CONTENT
    assert [(asked.path, asked.start) for asked in source.asked] == [
        ("/a.bin", 500),
        ("/elsewhere", 500),
    ]


@pytest.mark.parametrize(
    "target",
    ["file:///etc/passwd", "ftp://example.org/a", "http://example.org/a", "data:text/plain,a"],
)
def test_a_redirect_to_anything_but_https_is_refused(
    partial: Partial, source: Source, calm: Calm, target: str
) -> None:
    source.answers = [(302, {"Location": target})]
    with pytest.raises(FetchError, match=r"leads to .*only https is"):
        receive(partial, calm.line())
    assert partial.size == 0


@pytest.mark.parametrize("target", ["https://[", "https://a..b/", "https://example.org:a/"])
def test_a_redirect_to_what_is_no_address_is_said(
    partial: Partial, source: Source, calm: Calm, target: str
) -> None:
    source.answers = [(302, {"Location": target})]
    with pytest.raises(FetchError, match=r"leads to an address that cannot be understood"):
        receive(partial, calm.line())
    assert len(source.asked) == 1


def test_a_redirect_to_nowhere_is_said(partial: Partial, source: Source, calm: Calm) -> None:
    source.answers = [(302, {})]
    with pytest.raises(FetchError, match="leads to no address"):
        receive(partial, calm.line())


def test_redirects_in_a_circle_end(partial: Partial, source: Source, calm: Calm) -> None:
    source.answers = [(302, {"Location": source.url(f"{n}")}) for n in range(50)]
    with pytest.raises(FetchError, match="5 times at most"):
        receive(partial, calm.line())
    assert len(source.asked) <= 6


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/a",
        "http://10.0.0.1/a",
        "http://127.0.0.1.example.org/a",
        "file:///etc/passwd",
        "ftp://127.0.0.1/a",
        "a.bin",
    ],
)
def test_no_address_but_https_is_asked(tmp_path: Path, calm: Calm, url: str) -> None:
    with pytest.raises(FetchError, match="only https is"):
        receive(Partial(tmp_path, RemoteFile("a.bin", url)), calm.line())


@pytest.mark.parametrize("url", ["http://127.0.0.1/a", "http://localhost/a", "http://[::1]/a"])
def test_no_foreign_address_leads_to_this_machine(url: str) -> None:
    check_address(url)
    check_address(url, before="http://127.0.0.1:80/b")
    with pytest.raises(FetchError, match=r"https://example\.org/b leads to"):
        check_address(url, before="https://example.org/b")


def test_where_nobody_answers_that_is_said_soon(tmp_path: Path, calm: Calm) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/a.bin"
        with pytest.raises(Unreachable, match=r"^127\.0\.0\.1 cannot be reached \(Connection ref"):
            receive(Partial(tmp_path, RemoteFile("a.bin", url)), calm.line())
    assert calm.waited == [1]


def test_a_disk_without_room_is_noticed_before_a_byte_is_written(
    partial: Partial, source: Source, calm: Calm
) -> None:
    calm.room = len(CONTENT) - 1
    with pytest.raises(FetchError, match=r"needs 1,048,576 bytes more.*has 1,048,575 left"):
        receive(partial, calm.line())
    assert partial.size == 0


def test_a_disk_that_fills_up_keeps_what_came_and_it_is_gone_on_with(
    partial: Partial, source: Source, calm: Calm, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Filling(io.FileIO):
        def write(self, data: Any) -> int:
            room = 200_000 - self.tell()
            if room <= 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(memoryview(data)[:room])

    with monkeypatch.context() as full:
        full.setattr(Partial, "open", lambda self: Filling(self.path, "ab"))
        with pytest.raises(FetchError, match=r"is full\. 200,000 bytes of a\.bin are kept"):
            receive(partial, calm.line())
    assert received(partial, calm) == CONTENT
    assert source.asked[-1].start == 200_000


def test_a_disk_that_takes_little_at_a_time_gets_all(
    partial: Partial, calm: Calm, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow(io.FileIO):
        def write(self, data: Any) -> int:
            return super().write(memoryview(data)[:5000])

    monkeypatch.setattr(Partial, "open", lambda self: Slow(self.path, "ab"))
    assert received(partial, calm) == CONTENT


def test_a_folder_that_may_not_be_written_is_said(
    partial: Partial, source: Source, calm: Calm, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Partial) -> io.RawIOBase:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Partial, "open", refuse)
    with pytest.raises(FetchError, match=r"cannot be written \(Permission denied\)"):
        receive(partial, calm.line())
