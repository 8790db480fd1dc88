"""One request for a file or the rest of one, and what the answer says of itself (RFC 9110).

Range, If-Range          the rest from a byte on, if the file is still the one that was begun
206 and Content-Range    the rest comes, of so many bytes in all
200                      the whole comes: Range was ignored, or the file is another by now
416                      there is nothing from that byte on
"""

import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException, HTTPMessage, HTTPResponse, InvalidURL
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
)

from trainers.fetching.addresses import check_address, host_of
from trainers.fetching.fault import Dropped, FetchError, Unreachable

PATIENCE = 60.0  # seconds without a byte
LONGEST_WAIT = 120.0  # seconds, however much longer a server asks for
MOST_REDIRECTS = 5
BUSY = {408, 425, 429, 500, 502, 503, 504}
NOT_SATISFIABLE = 416
COUNT = re.compile(r"[0-9]{1,18}")  # more digits are no length that a disk has
CONTENT_RANGE = re.compile(r"bytes (?:([0-9]{1,18})-([0-9]{1,18})|\*)/([0-9]{1,18}|\*)")


@dataclass(frozen=True)
class Answer:
    """What comes, and what is said of it."""

    stream: HTTPResponse | None  # None if there is nothing from that byte on
    start: int  # the byte of the file that it begins with
    total: int | None  # bytes of the whole file; None if the server does not tell
    validator: str  # what tells this file from a later one of the same name; blank if nothing does


class _OnlySafeRedirects(HTTPRedirectHandler):
    max_redirections = MOST_REDIRECTS

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        try:
            check_address(newurl, before=req.full_url)
        except FetchError:
            fp.close()
            raise
        return super().redirect_request(req, fp, code, msg, headers, newurl)


@contextmanager
def ask(url: str, start: int, validator: str, patience: float = PATIENCE) -> Iterator[Answer]:
    """Ask for a file from a byte on.

    Args:
        url: Where it is.
        start: The first byte that is wanted.
        validator: What the file is known by; blank asks for the rest whatever it is.
        patience: Seconds without a byte after which the connection counts as broken.

    Raises:
        FetchError: If the address is refused, or the server does not have or give the file.
        Dropped: If another attempt may do.
    """
    check_address(url)
    headers = {"User-Agent": "daug", "Accept-Encoding": "identity"}  # bytes as they are stored
    if start:
        headers["Range"] = f"bytes={start}-"
        if validator:
            headers["If-Range"] = validator
    try:
        response = _opener().open(Request(url, headers=headers), timeout=patience)  # noqa: S310
    except HTTPError as error:
        with error:
            yield _refused(url, start, error)
        return
    except (InvalidURL, ValueError) as error:  # of a redirect; catalogues hold none
        raise FetchError(
            f"{host_of(url)} leads to an address that cannot be understood ({error}). Fetch the "
            "file by hand from the collection's page."
        ) from error
    except URLError as error:
        raise _not_reached(url, error.reason) from error
    except (HTTPException, OSError) as error:
        raise Dropped(f"{host_of(url)} broke off ({error or type(error).__name__})") from error
    with response:
        yield _described(response)


def _opener() -> OpenerDirector:
    """Return what opens addresses: http and https, through the proxy that the system names."""
    opener = OpenerDirector()
    for handler in (
        ProxyHandler(),
        HTTPHandler(),
        HTTPSHandler(context=ssl.create_default_context()),
        HTTPDefaultErrorHandler(),
        HTTPErrorProcessor(),
        _OnlySafeRedirects(),
    ):
        opener.add_handler(handler)
    opener.addheaders = []
    return opener


def _described(response: HTTPResponse) -> Answer:
    headers = response.headers
    told = CONTENT_RANGE.fullmatch(headers.get("Content-Range", "").strip())
    start, total = 0, _count(headers.get("Content-Length", ""))
    if response.status == 206 and told and told[1]:
        start = int(told[1])
        total = _count(told[3]) or int(told[2]) + 1  # all to the end was asked for
    elif response.status != 200:
        raise FetchError(
            f"{host_of(response.url)} answers {response.status} where a file was asked for. "
            "Try again later."
        )
    etag = headers.get("ETag", "")
    strong = etag if etag.startswith('"') else ""  # a weak one allows other bytes
    return Answer(response, start, total, strong or headers.get("Last-Modified", ""))


def _count(text: str) -> int | None:
    return int(text) if COUNT.fullmatch(text) else None


def _refused(url: str, start: int, error: HTTPError) -> Answer:
    """Return the one refusal that is good news, and raise the others."""
    if error.code == NOT_SATISFIABLE and start:
        told = CONTENT_RANGE.fullmatch((error.headers.get("Content-Range") or "").strip())
        return Answer(None, 0, _count(told[3]) if told else None, "")
    if error.code // 100 == 3:
        target = error.headers.get("Location") or "no address"
        raise FetchError(
            f"{host_of(url)} leads to {target}, which is not followed: only https is, and "
            f"{MOST_REDIRECTS} times at most. Fetch the file by hand from the collection's page."
        )
    if error.code in BUSY:
        asked = error.headers.get("Retry-After") or ""
        wait = min(float(asked), LONGEST_WAIT) if asked.isdecimal() else None
        raise Dropped(f"{host_of(url)} answers {error.code} {error.reason}", wait)
    raise FetchError(
        f"{host_of(url)} answers {error.code} {error.reason} for {url}. The file may have moved or "
        "need an account by now: fetch it by hand from the collection's page."
    )


def _not_reached(url: str, reason: object) -> Exception:
    if isinstance(reason, ssl.SSLCertVerificationError):
        return FetchError(
            f"{host_of(url)} does not prove who it is ({reason.verify_message}). Nothing was "
            "fetched. Check the clock and the certificates of this machine."
        )
    said = (reason.strerror if isinstance(reason, OSError) else None) or reason
    return Unreachable(f"{host_of(url)} cannot be reached ({said})")
