"""The real page over a library of drawn thoraces; run as `python -m tests.ui.serve_cases`.

The model is `PixelEmbedder`, heatmaps are phantoms'. Arguments: a folder to work in, and of what
kind the library is: "mixed", "synthetic" or "no search".
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import typer

from daug.heatmap import Recipe
from daug.loading import load_radiograph
from daug.radiograph import Radiograph
from daug.workstation import Drawing, Workstation
from db.desk import open_desk
from db.embedding_run import embed_library
from db.library import init_library
from tests.ui import phantoms
from tests.ui.drawn_cases import PixelEmbedder, fill
from ui.server import listen, run

CASES = 60


def main(folder: Path, kind: str) -> None:
    """Serve on a free port until the process is ended."""
    models = phantoms.bundle()
    draw = phantoms.drawer(models)
    library = init_library(folder / "library")
    fill(library, folder / "files", CASES, synthetic=kind == "synthetic")
    embedder = PixelEmbedder()
    if kind == "mixed":
        embed_library(library, embedder)
    there = None if kind == "no search" else embedder
    key = library.folder.identity_key

    def load(path: Path, *, frame: int | None = None) -> Radiograph:
        typer.echo(f"loaded {path.name}")
        return load_radiograph(path, identity_key=key, frame=frame)

    def drawn(of: Radiograph, recipes: Sequence[Recipe]) -> Drawing:
        typer.echo(f"asked {len(recipes)}")
        return draw(of, recipes)

    workstation = Workstation(models, load, lambda _: phantoms.scores(models), drawn, there)
    with open_desk(library, there, "The bundle phantom-models has no CLIP model.") as desk:
        if kind == "mixed":
            desk.measure_floors()
        run(listen("127.0.0.1", 0), workstation, desk, library, as_json=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
