"""A model hub on loopback: as much of its interface as a bundle's way there and back needs."""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit


class FakeHub:
    """Repositories by name, each with one branch, and everything that was asked of them."""

    def __init__(self) -> None:
        self.address = ""
        self.repositories: dict[str, dict[str, bytes]] = {}
        self.private: set[str] = set()
        self.asked: list[str] = []  # method and path
        self.told: list[dict[str, str]] = []  # headers
        self.refuse = False

    def commit(self, repository: str) -> str:
        """Return the commit that the only branch is at."""
        commit = hashlib.sha1()
        for name, content in sorted(self.repositories[repository].items()):
            commit.update(f"{name} {_oid(content)} ".encode())
        return commit.hexdigest()

    def change(self, repository: str, lines: list[dict[str, Any]]) -> None:
        """Take a commit in the hub's own format: one operation a line."""
        files = self.repositories[repository]
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "deletedFile":
                del files[value["path"]]

    @contextmanager
    def serving(self) -> Iterator["FakeHub"]:
        """Answer on a free port of loopback until the block is left."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        self.address = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def _handler(hub: FakeHub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"  # one request a connection: none is left open

        def do_GET(self) -> None:
            self._note()
            match self._parts():
                case ["api", "models", owner, name, "tree", *_]:
                    self._tree(f"{owner}/{name}")
                case ["api", "models", owner, name, *_]:
                    self._information(f"{owner}/{name}")
                case [owner, name, "resolve", _, *file]:
                    self._file(f"{owner}/{name}", "/".join(file))
                case _:
                    self._answer(404, {"error": "Not found"})

        do_HEAD = do_GET  # noqa: N815 - the name that http.server looks for

        def do_POST(self) -> None:
            self._note()
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if hub.refuse:
                self._answer(403, {"error": "You may not write here"})
                return
            match self._parts():
                case ["api", "repos", "create"]:
                    self._create(json.loads(body))
                case ["api", "models", owner, name, "preupload", _]:
                    files = json.loads(body)["files"]
                    modes = {"uploadMode": "regular", "shouldIgnore": False}
                    self._answer(200, {"files": [{"path": f["path"], **modes} for f in files]})
                case ["api", "models", owner, name, "commit", _]:
                    repository = f"{owner}/{name}"
                    hub.change(repository, [json.loads(line) for line in body.splitlines()])
                    commit = hub.commit(repository)
                    url = f"{hub.address}/{repository}/commit/{commit}"
                    self._answer(200, {"commitUrl": url, "commitOid": commit, "success": True})
                case _:
                    self._answer(404, {"error": "Not found"})

        def _create(self, wish: dict[str, Any]) -> None:
            repository = f"{wish['organization']}/{wish['name']}"
            there = repository in hub.repositories
            if not there:
                hub.repositories[repository] = {}
                if wish.get("visibility") == "private":
                    hub.private.add(repository)
            self._answer(409 if there else 200, {"url": f"{hub.address}/{repository}"})

        def _information(self, repository: str) -> None:
            if repository not in hub.repositories:
                self._answer(
                    404, {"error": "Repository not found"}, {"X-Error-Code": "RepoNotFound"}
                )
                return
            names = [{"rfilename": name} for name in hub.repositories[repository]]
            values = {"id": repository, "sha": hub.commit(repository), "siblings": names}
            self._answer(200, {**values, "private": False, "tags": []})

        def _tree(self, repository: str) -> None:
            files = hub.repositories[repository]
            self._answer(
                200,
                [
                    {"type": "file", "path": name, "size": len(content), "oid": _oid(content)}
                    for name, content in files.items()
                ],
            )

        def _file(self, repository: str, name: str) -> None:
            content = hub.repositories[repository][name]
            etag = {"ETag": f'"{_oid(content)}"', "X-Repo-Commit": hub.commit(repository)}
            self._answer(200, content, etag)

        def _parts(self) -> list[str]:
            return [unquote(part) for part in urlsplit(self.path).path.strip("/").split("/")]

        def _note(self) -> None:
            hub.asked.append(f"{self.command} {self.path}")
            hub.told.append({name.lower(): text for name, text in self.headers.items()})

        def _answer(
            self, status: int, content: object, headers: dict[str, str] | None = None
        ) -> None:
            body = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    return Handler


def _oid(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()  # as git names a file
