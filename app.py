"""DAug's command line and composition root: it builds everything and decides nothing."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import typer

import benchmarks.cli
import db.cli
import trainers.cli
import ui.cli
import ui.doctor_cli
from daug.errors import DaugError
from daug.notice import NOTICE

if TYPE_CHECKING:
    from daug.bundle import Bundle
    from daug.bundled_models import Models
    from daug.case_desk import CaseDesk, CaseLibrary
    from daug.checkup import Check
    from daug.engine import Engine
    from daug.map_reader import MapReader
    from daug.radiograph_embedder import DrawingEmbedder
    from daug.workstation import Workstation

BUNDLED_MODELS = Path(__file__).parent / "assets" / "models" / "cxr-demo"
DEMONSTRATION = Path(__file__).parent / "assets" / "demo"

app = typer.Typer(
    name="daug",
    help=f"Counterfactual heatmaps of chest radiographs. {NOTICE}",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@dataclass(frozen=True)
class Tools:
    """What commands may not import themselves; handed to them as the typer context's object."""

    bundled_models: Path = BUNDLED_MODELS
    demonstration: Path = DEMONSTRATION

    def open_workstation(
        self, bundle: Path | None, library: Path | None, *, searching: bool = False
    ) -> "Workstation":
        """Load a bundle's models; see `daug.workstation.WorkstationOpener`.

        Args:
            bundle: Folder of the bundle.
            library: Folder of the case library.
            searching: With the model that embeds, which takes seconds to load.
        """
        import torch

        from daug.bundled_models import load_models
        from daug.engine import Engine
        from daug.errors import BundleError
        from daug.input_checker import open_input_checker
        from daug.loading import load_radiograph
        from daug.radiograph import Radiograph
        from daug.remembered import RememberedMaps
        from daug.workstation import Workstation
        from db.library_folder import open_library_folder

        described = self.open_bundle(bundle)
        identity_key = None if library is None else open_library_folder(library).identity_key
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        models = load_models(described)
        checker = open_input_checker(models)
        engine = Engine(models, device)

        def load(path: Path, *, frame: int | None = None) -> Radiograph:
            return load_radiograph(path, identity_key=identity_key, frame=frame)

        maps = RememberedMaps(engine.draw_heatmaps)
        draw = maps.draw_heatmaps
        opened = Workstation(
            described,
            load,
            engine.score,
            draw,
            why_no_search="Nothing is searched here.",
            measurer=self._measurer(models),
            check_input=None if checker is None else checker.check_input,
        )
        if not searching:
            return opened
        from daug.embedder import open_embedder
        from daug.radiograph_embedder import DrawingEmbedder

        try:
            embedder = DrawingEmbedder(open_embedder(described, device), draw)
        except BundleError as error:
            return replace(opened, why_no_search=str(error))
        return replace(opened, embedder=embedder, why_no_search="")

    def _measurer(self, models: "Models") -> "MapReader":
        from daug.anatomy import measured_ratio_error
        from daug.map_reader import MapReader
        from daug.normal_floor import read_floor

        bundle = models.bundle
        return MapReader(bundle, models.anatomist, read_floor(bundle), measured_ratio_error(bundle))

    def open_bundle(self, bundle: Path | None) -> "Bundle":
        """Return a bundle's description; see `db.cli_embedding.Tools`."""
        from daug.bundle_source import open_bundle

        return open_bundle(bundle or self.bundled_models)

    def open_embedder(self, bundle: "Bundle") -> "DrawingEmbedder":
        """Load a bundle's CLIP model, and what draws maps once one is needed."""
        import torch

        from daug.embedder import open_embedder
        from daug.radiograph_embedder import DrawingEmbedder

        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

        @cache
        def engine() -> "Engine":  # seconds that a search by text or by case does without
            from daug.bundled_models import load_models
            from daug.engine import Engine

            return Engine(load_models(bundle), device)

        return DrawingEmbedder(
            open_embedder(bundle, device),
            lambda radiograph, recipes: engine().draw_heatmaps(radiograph, recipes),
        )

    def draw_panel(self, bundle: Path, file: Path, output: Path) -> None:
        """Write Figure 2 of a radiograph; see `ui.panel_file.write_panel`."""
        from ui.panel_file import write_panel

        write_panel(self.open_workstation(bundle, None), file, output)

    def open_desk(
        self, workstation: "Workstation", library: Path, *, demonstration: bool
    ) -> "AbstractContextManager[tuple[CaseDesk, CaseLibrary]]":
        """Open a library and where it is asked; see `db.first_start.library_at_work`."""
        from db.first_start import library_at_work

        return library_at_work(
            library,
            workstation.embedder,
            workstation.why_no_search,
            self.demonstration if demonstration else None,
        )

    def checkup(self, bundle: Path | None, library: Path | None) -> "Iterator[Check]":
        """Check machine, library, bundle and screen; see `daug.checkup.carry_out`."""
        from daug.bundle_checks import bundle_checks
        from daug.checkup import carry_out
        from daug.machine_checks import machine_checks
        from db.library_checks import library_checks
        from ui.screen_checks import screen_checks

        yield from carry_out(machine_checks())
        yield from carry_out(bundle_checks(bundle or self.bundled_models))
        yield from carry_out(library_checks(library))
        yield from carry_out(screen_checks())


@app.callback()
def hand_over_tools(ctx: typer.Context) -> None:
    """Give every command its tools."""
    ctx.obj = ctx.obj or Tools()


ui.cli.add_commands(app)
ui.doctor_cli.add_commands(app)
trainers.cli.add_commands(app)
db.cli.add_commands(app)
benchmarks.cli.add_commands(app)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; exit 0 on success, 2 on a usage error, 1 on a failure it explains."""
    # Threads that wait for each other sleep: if they spin, as OpenMP's do by default, a browser or
    # any other program on one of their cores makes a panel ten times as slow.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        app(args=arguments)  # leaves by itself: 0 when done, 2 for a usage error
    except DaugError as error:
        typer.echo(str(error), err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
