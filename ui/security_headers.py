"""What every answer tells the browser to refuse, and which requests get no answer.

The page may load from this server alone. Gradio's own page starts with inline scripts; each is
allowed by the digest of exactly what is served, so that nothing else inline can ever run.
"""

import base64
import hashlib
import re
from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

INLINE_SCRIPT = re.compile(rb"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", re.DOTALL)
NAMES = ("127.0.0.1", "localhost", "[::1]")  # another name in Host is a foreign page's trick


class SecurityHeaders:
    """Wraps an application; pure ASGI, so that streamed answers stay streams."""

    def __init__(self, app: ASGIApp, names: Iterable[str] = NAMES) -> None:
        """Wrap an application.

        Args:
            names: Under which the server may be asked for.
        """
        self._app = app
        self._names = frozenset(names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse a request that came under another name."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        host = re.sub(r":\d+$", "", Headers(scope=scope).get("host", ""))
        if host.lower() not in self._names:
            refusal = PlainTextResponse("DAug answers this machine alone.", status_code=400)
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, _Sender(send))


class _Sender:
    """Adds headers to an answer; holds a page back until its inline scripts are known."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None
        self._page = bytearray()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            if headers.get("content-type", "").startswith("text/html"):
                self._start = message
                return
            _protect(headers, ())
        elif message["type"] == "http.response.body" and self._start is not None:
            self._page += message.get("body", b"")
            if message.get("more_body"):
                return
            headers = MutableHeaders(scope=self._start)
            _protect(headers, INLINE_SCRIPT.findall(bytes(self._page)))
            await self._send(self._start)
            self._start = None
            message = {"type": "http.response.body", "body": bytes(self._page)}
        await self._send(message)


def _protect(headers: MutableHeaders, scripts: Iterable[bytes]) -> None:
    digests = "".join(
        f" 'sha256-{base64.b64encode(hashlib.sha256(script).digest()).decode()}'"
        for script in scripts
    )
    headers["Content-Security-Policy"] = "; ".join(
        (
            "default-src 'self'",
            f"script-src 'self'{digests}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )
    headers["X-Content-Type-Options"] = "nosniff"
    headers["X-Frame-Options"] = "DENY"
    headers["Referrer-Policy"] = "no-referrer"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=()"
