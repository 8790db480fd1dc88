"""The straight path from a file to its heatmaps, as callables that somebody hands in.

A screen receives only the callables it uses; a test hands in small functions; a notebook uses it
without a screen. It imports no network, so whoever holds one need not either.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from daug.bundle import Bundle, HeatScale
from daug.cardiothoracic import CardiothoracicRatio
from daug.embedding import Embedding
from daug.finding_probability import FindingProbability
from daug.heatmap import Heatmap, Preview, Recipe, Scores
from daug.input_check import InputCheck
from daug.map_reading import MapReading
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


class RadiographEmbedder(Protocol):
    """Puts radiographs and texts into the space that a library is searched in.

    Whatever maps a radiograph needs for that are drawn on the way. Threads take turns.
    """

    @property
    def model_digest(self) -> str:
        """Which model's space it is; two never mix."""
        ...

    @property
    def digest_without_heat(self) -> str | None:
        """The space of radiographs of which no map is drawn; None if the model has none."""
        ...

    def embed(self, radiograph: Radiograph, *, without_heat: bool = False) -> Embedding:
        """Return where a radiograph lies.

        Raises:
            EmbeddingError: If the model cannot do without maps.
        """
        ...

    def embed_text(self, text: str, *, without_heat: bool = False) -> Embedding:
        """Return where a sentence lies.

        Raises:
            EmbeddingError: If there is nothing to read, or the model cannot do without maps.
        """
        ...

    def embed_change(
        self, radiograph: Radiograph, recipe: Recipe, *, without_heat: bool = False
    ) -> tuple[Embedding, Embedding]:
        """Return where a radiograph would lie with more or less of something, and its reference.

        Args:
            radiograph: The patient.
            recipe: Of the counterfactual.
            without_heat: As in `embed`.

        Raises:
            RecipeError: If the bundle cannot draw it.
            EmbeddingError: As in `embed`.
        """
        ...

    def classify(self, radiograph: Radiograph) -> tuple[FindingProbability, ...]:
        """Return the probability of every finding, in CheXbert's order."""
        ...


class MapMeasurer(Protocol):
    """Measures maps; see `daug.map_reader.MapReader`."""

    def read(
        self, radiograph: Radiograph, heatmap: Heatmap, drawings: Heatmap | None = None
    ) -> MapReading:
        """Return zones, percentile among normals, stability and ratios of a map.

        Args:
            radiograph: Its view and age say whom it is compared with.
            heatmap: The map.
            drawings: The same map drawn from several seeds, if there is one.
        """
        ...

    def ratio(self, radiograph: Radiograph) -> CardiothoracicRatio | None:
        """Return the cardiothoracic ratio of a radiograph; None without an anatomy model."""
        ...

    def scale(self, radiograph: Radiograph, recipe: Recipe) -> HeatScale:
        """Return the fixed scale that a map of a radiograph is drawn on.

        The normal floor of the radiograph's group for "what looks abnormal", where it was measured;
        else the bundle's scale of intensity change. Never that of the map at hand.
        """
        ...


@dataclass(frozen=True)
class Workstation:
    """What a person can do with one bundle."""

    bundle: Bundle
    load: Loader
    score: Callable[[Radiograph], Scores]  # of the offered super-classes, at t = 0
    draw_heatmaps: Callable[[Radiograph, Sequence[Recipe]], Drawing]
    embedder: RadiographEmbedder | None = None
    why_no_search: str = ""  # one sentence, where there is no embedder
    measurer: MapMeasurer | None = None
    check_input: Callable[[Radiograph], InputCheck] | None = None  # before any map is drawn


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
