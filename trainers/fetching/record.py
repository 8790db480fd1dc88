"""What is known of a collection that may be fetched freely."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RemoteFile:
    """A file of a collection, at its official source."""

    name: str  # in the collection's folder
    url: str
    size: int | None = None  # bytes; None where nobody tells
    size_is_exact: bool = True  # then another length is another file
    checksum: str = ""  # as published, "md5:..." or "sha256:..."; blank if none is
    unpack_to: str = ""  # the folder of what is in it; blank for what is no archive
    inner: str = ""  # a folder that holds all of the archive, and is not kept

    @property
    def published(self) -> str:
        """What is said of its checksum."""
        return self.checksum or "no checksum is published"


@dataclass(frozen=True)
class ByHand:
    """A file that has no address of its own: a person fetches it from a page."""

    name: str
    needed: bool  # without it the adapter reads nothing


@dataclass(frozen=True)
class Download:
    """A collection."""

    name: str  # of the command
    title: str
    page: str  # where people find it
    licence: str
    terms: str  # a sentence on what it allows
    citation: str
    files: tuple[RemoteFile, ...]
    by_hand: tuple[ByHand, ...] = ()
    tabulate: Callable[[Path], int] | None = (
        None  # lists what was unpacked, where an adapter needs it
    )
    then: str = ""  # the command that reads it once unpacked; {root} is its folder
