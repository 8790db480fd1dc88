"""A source of files on loopback, with the faults that real ones have."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Asked:
    """One request."""

    path: str
    start: int  # of its Range, 0 without
    if_range: str
    coding: str


@dataclass
class Source:
    """Files by path, everything that was asked, and how the source misbehaves."""

    files: dict[str, bytes] = field(default_factory=dict)
    etag: str = '"one"'
    changed: str = ""  # Last-Modified
    ignores_range: bool = False
    ignores_if_range: bool = False
    tells_length: bool = True
    tells_total: bool = True  # in Content-Range; * if not
    breaks_after: list[int] = field(default_factory=list)  # bytes, for the next answers in order
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)  # instead of files
    stalls_after: list[int] = field(default_factory=list)  # bytes, then silence
    stalls_for: float = 1.0  # seconds
    before_each: Callable[["Source"], None] | None = None
    asked: list[Asked] = field(default_factory=list)
    address: str = ""
    closing: threading.Event = field(default_factory=threading.Event)

    def url(self, name: str) -> str:
        return f"{self.address}/{name}"

    @contextmanager
    def serving(self) -> Iterator["Source"]:
        """Answer on a free port of loopback until the block is left."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        self.address = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield self
        finally:
            self.closing.set()
            server.shutdown()
            thread.join()
            server.server_close()


def _handler(source: Source) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if source.before_each is not None:
                source.before_each(source)
            wanted = self.headers.get("Range", "bytes=0-")
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if_range = self.headers.get("If-Range", "")
            coding = self.headers.get("Accept-Encoding", "")
            source.asked.append(Asked(self.path, start, if_range, coding))
            self.close_connection = True
            if source.answers:
                status, headers = source.answers.pop(0)
                self._head(status, headers, 0)
            elif self.path.strip("/") not in source.files:
                self._head(404, {}, 0)
            else:
                self._file(source.files[self.path.strip("/")], start, if_range)

        def _file(self, content: bytes, start: int, if_range: str) -> None:
            another = (
                if_range not in ("", source.etag or source.changed) and not source.ignores_if_range
            )
            if source.ignores_range or another:
                start = 0
            headers = {"ETag": source.etag} if source.etag else {}
            if source.changed:
                headers["Last-Modified"] = source.changed
            if start and start >= len(content):
                self._head(416, {"Content-Range": f"bytes */{len(content)}"}, 0)
                return
            if start:
                total = len(content) if source.tells_total else "*"
                headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{total}"
            rest = content[start:]
            self._head(206 if start else 200, headers, len(rest))
            if not source.tells_length:
                rest = b"%x\r\n%s\r\n0\r\n\r\n" % (len(rest), rest)
            if source.breaks_after:
                rest = rest[: source.breaks_after.pop(0)]
            stall = source.stalls_after.pop(0) if source.stalls_after else None
            self.wfile.write(rest[:stall])
            if stall is not None:
                self.wfile.flush()
                source.closing.wait(source.stalls_for)

        def _head(self, status: int, headers: dict[str, str], length: int) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if source.tells_length or not length:
                self.send_header("Content-Length", str(length))
            else:
                self.send_header("Transfer-Encoding", "chunked")
            self.send_header("Connection", "close")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    return Handler
