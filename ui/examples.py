"""The radiographs that come with DAug: synthetic ones, to try it without a file of one's own."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from daug.errors import DaugError
from daug.workstation import Workstation
from ui.heat_picture import Picture, fitted, shown

LIST = "examples.json"  # {"examples": [{"file": ..., "title": ..., ...}, ...], ...}
THUMBNAIL = 160  # pixels of the longer side
MARK = "synthetic"


@dataclass(frozen=True)
class Example:
    """One radiograph that comes with DAug."""

    path: Path
    title: str
    thumbnail: Picture

    @property
    def caption(self) -> str:
        """Its title, which always says that it shows nobody."""
        return self.title if MARK in self.title.lower() else f"{self.title} ({MARK})"


def read_examples(folder: Path | None, workstation: Workstation) -> tuple[Example, ...]:
    """Return the examples of a folder; none if there is no list of them.

    Raises:
        DaugError: If the list cannot be understood or one of its files cannot be opened.
    """
    if folder is None or not (folder / LIST).is_file():
        return ()
    try:
        listed = json.loads((folder / LIST).read_text(encoding="utf-8"))["examples"]
        named = [(folder / str(one["file"]), str(one["title"])) for one in listed]
    except (KeyError, TypeError, ValueError) as error:
        raise DaugError(
            f"{folder / LIST}: cannot be read as a list of examples ({error})."
        ) from error
    return tuple(_example(path, title, workstation) for path, title in named)


def _example(path: Path, title: str, workstation: Workstation) -> Example:
    radiograph = workstation.load(path)
    shape = (radiograph.pixels.shape[0], radiograph.pixels.shape[1])
    small = shown(radiograph, fitted(shape, (THUMBNAIL, THUMBNAIL)))
    return Example(path, title, np.repeat(small[..., None], 3, axis=2))
