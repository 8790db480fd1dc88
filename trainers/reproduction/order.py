"""What somebody asks to be reproduced, and where its parts lie."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daug.bundle import file_digest, read_bundle
from trainers.reproduction.labels import Blanks
from trainers.reproduction.segmenter import segmenter_digest
from trainers.reproduction.sizes import Size, find_size

# A bundle's folder, a radiograph and the PNG to write; handed in, since pictures are `ui`'s.
DrawFigure = Callable[[Path, Path, Path], None]
DIGEST_TOLD = 12  # letters of a SHA-256, as everywhere where a person reads one


@dataclass(frozen=True)
class Order:
    """What somebody asks to be reproduced."""

    manifest: Path
    folder: Path
    preset: str = "cpu"
    sources: tuple[str, ...] = ()  # empty: all of the manifest, if all may be passed on
    blanks: Blanks = Blanks.UNKNOWN
    seed: int = 0  # of denoiser and classifier
    clip_seeds: tuple[int, ...] = (0,)  # each row of the CLIP tables is trained once for each
    text_labels: bool = False  # learn from labels that were read from reports too
    weights: str = ""  # of the CLIP towers, in place of the preset's
    anatomy: Path | None = None  # bundle whose segmenter of lungs and heart is taken over

    @property
    def size(self) -> Size:
        """What the preset says.

        Raises:
            TrainingError: If there is no such preset.
        """
        return find_size(self.preset)

    @property
    def parts(self) -> "Parts":
        """Where everything lies."""
        return Parts(self.folder)

    @property
    def weights_told(self) -> str:
        """The weights of the CLIP towers by name, and by digest where they are a file."""
        path = Path(self.weights)
        if self.weights and path.is_file():
            return f"{path.name} {file_digest(path)[:DIGEST_TOLD]}"
        return self.weights

    @property
    def anatomy_told(self) -> str | None:
        """The segmenter that is taken over, by the bundle's folder and the digest of its files.

        Raises:
            BundleError: If the folder holds no bundle.
        """
        if self.anatomy is None:
            return None
        digest = segmenter_digest(read_bundle(self.anatomy))
        return f"{self.anatomy.resolve().name} {digest[:DIGEST_TOLD]}"

    def settings(self) -> dict[str, Any]:
        """Return what a folder is held to, as JSON values."""
        return {
            "manifest": {"file": self.manifest.name, "sha256": file_digest(self.manifest)},
            "preset": self.preset,
            "sources": sorted(self.sources),
            "blanks": self.blanks.value,
            "seed": self.seed,
            "clip_seeds": list(self.clip_seeds),
            "text_labels": self.text_labels,
            "weights": self.weights_told,
            "anatomy": self.anatomy_told,
        }


@dataclass(frozen=True)
class Parts:
    """The folders and files of a reproduction."""

    folder: Path

    @property
    def manifest(self) -> Path:
        """The manifest that everything is trained and scored on."""
        return self.folder / "data" / "manifest.csv"

    @property
    def cache(self) -> Path:
        """Pixels and heat at the sizes of the models, shared by all trainings and scores."""
        return self.folder / "cache"

    @property
    def diffusion(self) -> Path:
        """Run folder of the denoiser."""
        return self.folder / "diffusion"

    @property
    def classifier(self) -> Path:
        """Run folder of the classifier."""
        return self.folder / "classifier"

    @property
    def built(self) -> Path:
        """The two networks as a bundle, before its recipe is chosen."""
        return self.folder / "built"

    @property
    def drawing(self) -> Path:
        """The bundle that draws the maps."""
        return self.folder / "drawing"

    @property
    def maps(self) -> Path:
        """The maps of every radiograph."""
        return self.folder / "maps"

    @property
    def ablation(self) -> Path:
        """The CLIP trainings and their tables."""
        return self.folder / "ablation"

    @property
    def bundle(self) -> Path:
        """The finished bundle, with the paper's CLIP model."""
        return self.folder / "bundle"

    @property
    def tables(self) -> Path:
        """Scores of the finished bundle."""
        return self.folder / "tables"

    @property
    def figures(self) -> Path:
        """Figure 2 on radiographs of the test split."""
        return self.folder / "figures"

    @property
    def results(self) -> Path:
        """The page; the same as HTML lies beside it."""
        return self.folder / "results.md"
