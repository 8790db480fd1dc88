"""The real page over phantoms, for a browser; run as `python -m tests.ui.serve_phantoms`.

A process of its own, since Gradio's server leaves sockets open, which fails a strict test run.
It prints where it is, then a line each time the models are asked and each time they are freed
before they are done.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import typer

from daug.heatmap import Recipe
from daug.loading import load_radiograph
from daug.radiograph import Radiograph
from daug.remembered import RememberedMaps
from daug.workstation import Drawing, Workstation
from tests.ui import phantoms
from ui.server import listen, run


def load(path: Path, *, frame: int | None = None) -> Radiograph:
    """Open DICOM as the program does, and pictures with warnings to show."""
    if path.suffix == ".dcm":
        return load_radiograph(path)
    return phantoms.load(path, frame=frame)


def main(seconds_per_step: float, examples: Path | None) -> None:
    """Serve on a free port until the process is ended."""
    models = phantoms.bundle()
    draw = phantoms.drawer(models, seconds_per_step, lambda: typer.echo("closed"))

    def asked(of: Radiograph, recipes: Sequence[Recipe]) -> Drawing:
        typer.echo(f"asked {len(recipes)} of {of.digest}")
        return draw(of, recipes)

    maps = RememberedMaps(asked)
    workstation = Workstation(
        models,
        load,
        lambda _: phantoms.scores(models),
        maps.draw_heatmaps,
        measurer=phantoms.Measurer(models),
        check_input=phantoms.check_input,
    )
    run(listen("127.0.0.1", 0), workstation, examples=examples, as_json=True)


if __name__ == "__main__":
    main(float(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
