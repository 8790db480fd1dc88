"""Which addresses are asked: https anywhere, http on this machine alone."""

import ipaddress
from urllib.parse import urlsplit

from trainers.fetching.fault import FetchError


def check_address(url: str, before: str = "") -> None:
    """Refuse what is not to be asked.

    Args:
        url: Where to.
        before: The address that leads there, if one does.

    Raises:
        FetchError: If it is neither https nor http from this machine to itself.
    """
    if _scheme(url) == "https" or (_to_itself(url) and (not before or _to_itself(before))):
        return
    way = f"{before} leads to {url}" if before else f"{url} is its address"
    raise FetchError(
        f"{way}, which is not followed: only https is. Fetch the file in a browser if you trust it."
    )


def host_of(url: str) -> str:
    """Return the name of the machine that is asked."""
    return urlsplit(url).hostname or url


def _scheme(url: str) -> str:
    return urlsplit(url).scheme.lower()


def _to_itself(url: str) -> bool:
    if _scheme(url) != "http":
        return False
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
