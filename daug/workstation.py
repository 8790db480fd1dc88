"""The straight path from a file to its heatmaps, as callables that somebody hands in.

A screen receives only the callables it uses; a test hands in small functions; a notebook uses it
without a screen. It imports no network, so whoever holds one need not either.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from daug.bundle import Bundle
from daug.heatmap import Heatmap, Preview, Recipe, Scores
from daug.radiograph import Radiograph

Drawing = Generator[Preview, None, tuple[Heatmap, ...]]  # closing it stops the computation


class Loader(Protocol):
    """Opens a file."""

    def __call__(self, path: Path, *, frame: int | None = None) -> Radiograph:
        """Return the radiograph in a file; see `daug.loading.load_radiograph`.

        Args:
            path: A DICOM, PNG, JPEG or TIFF file.
            frame: Which image of a file that holds several, from 1.

        Raises:
            RadiographError: If the file cannot become a radiograph.
        """
        ...


@dataclass(frozen=True)
class Workstation:
    """What a person can do with one bundle."""

    bundle: Bundle
    load: Loader
    score: Callable[[Radiograph], Scores]  # of the offered super-classes, at t = 0
    draw_heatmaps: Callable[[Radiograph, Sequence[Recipe]], Drawing]


class WorkstationOpener(Protocol):
    """Loads a bundle's models; handed to the commands by the composition root."""

    def __call__(self, bundle: Path | None, library: Path | None) -> Workstation:
        """Return a workstation.

        Args:
            bundle: Folder of the bundle; None for the one that is shipped.
            library: Folder of the case library, whose key hides patient identifiers; None for
                none, and then no pseudonym is made.

        Raises:
            BundleError: If the models cannot be loaded.
            LibraryError: If the library's folder cannot be used.
        """
        ...


def finish(drawing: Drawing) -> tuple[Heatmap, ...]:
    """Run a drawing to its end without looking at the previews."""
    while True:
        try:
            next(drawing)
        except StopIteration as end:
            heatmaps: tuple[Heatmap, ...] = end.value
            return heatmaps
