"""The commands `daug heatmap`, `daug panel` and `daug app`: their options, and nothing heavier.

Whatever takes long to import is imported once a command runs, so that `daug --help` stays quick.
"""

from contextlib import AbstractContextManager
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Literal, Protocol

import typer

from daug.findings import Activation, Direction

if TYPE_CHECKING:
    from daug.case_desk import CaseDesk, CaseLibrary
    from daug.workstation import Workstation

LOOPBACK = "127.0.0.1"
PORT = 7860
LIBRARY = Path("library")  # as `daug library` has it
OPACITY = 0.7
DRAWINGS = 8  # of a map, for its stability
EXAMPLES = Path(__file__).parents[1] / "assets" / "examples"

File = Annotated[Path, typer.Argument(help="A DICOM, PNG, JPEG or TIFF file.")]
Frame = Annotated[
    int | None,
    typer.Option("--frame", min=1, help="Which image of a file that holds several, from 1."),
]
BundleFolder = Annotated[
    Path | None, typer.Option("--bundle", help="Folder of models; the shipped ones if left out.")
]
LibraryFolder = Annotated[
    Path | None,
    typer.Option("--library", help="Folder of the case library, whose key hides identities."),
]
NoiseLevel = Annotated[
    int | None, typer.Option(help="L, how far up the noise goes; more forgets more anatomy.")
]
Scale = Annotated[float | None, typer.Option(help="s, weight of the classifier's gradient.")]
Steps = Annotated[int | None, typer.Option(help="How many times the networks are asked.")]
EncoderName = Annotated[
    Literal["gaussian", "ddim"] | None, typer.Option("--encoder", help="How noise is added.")
]
ReferenceName = Annotated[
    Literal["control", "input"] | None,
    typer.Option("--reference", help="What the imagined picture is compared with."),
]
Seeds = Annotated[str | None, typer.Option(help="Numbers with commas between: 0,1,2.")]
Scheduler = Annotated[str | None, typer.Option(help="The way down from the noise, e.g. DDIM.")]
Within = Annotated[
    Literal["picture", "chest", "lungs", "site"] | None,
    typer.Option("--within", help="Where a map may change the picture; site: by super-class."),
]
Smoothing = Annotated[
    float | None,
    typer.Option(min=0, max=0.1, help="Of the heat: sigma in shares of the model's side."),
]
Opacity = Annotated[float, typer.Option(min=0, max=1, help="Weight of the colors.")]
StatedView = Annotated[
    Literal["PA", "AP"] | None,
    typer.Option("--view", help="How it was taken, where the file does not say or is wrong."),
]
StatedAge = Annotated[
    float | None,
    typer.Option("--age", min=0, max=125, help="Of the patient in years, likewise."),
]
Drawings = Annotated[
    int,
    typer.Option(min=1, max=64, help="How often the map is drawn to say how stable it is."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]


class Tools(Protocol):
    """What the composition root hands in through the typer context."""

    def open_workstation(
        self, bundle: Path | None, library: Path | None, *, searching: bool = False
    ) -> "Workstation":
        """Load a bundle's models; see `daug.workstation.WorkstationOpener`.

        Args:
            bundle: Folder of the bundle.
            library: Folder of the case library.
            searching: With the model that embeds, which takes seconds to load.
        """
        ...

    def open_desk(
        self, workstation: "Workstation", library: Path, *, demonstration: bool
    ) -> "AbstractContextManager[tuple[CaseDesk, CaseLibrary]]":
        """Open a library, made if it is missing, and where similar cases are asked for.

        Args:
            workstation: With the model that embeds, if there is one.
            library: The library's folder.
            demonstration: Fill a new one with the cases that come with DAug.

        Raises:
            LibraryError: If the library cannot be used.
        """
        ...


def add_commands(app: typer.Typer) -> None:
    """Add `heatmap`, `panel` and `app` to the root command; `ctx.obj` must be `Tools`."""
    app.command("heatmap")(heatmap)
    app.command("panel")(panel)
    app.command("app")(serve)


def heatmap(
    ctx: typer.Context,
    file: File,
    super_class: Annotated[
        str, typer.Option("--super-class", help="Its name, a finding in it, or a beginning.")
    ],
    direction: Annotated[
        Direction, typer.Option("--direction", help="+ for more of it, - for less.")
    ] = Direction.MORE,
    activation: Annotated[
        Activation, typer.Option("--activation", help="How the classifier guides.")
    ] = Activation.SOFTMAX,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder for the files; made if missing.")
    ] = Path(),
    frame: Frame = None,
    bundle: BundleFolder = None,
    library: LibraryFolder = None,
    noise_level: NoiseLevel = None,
    scale: Scale = None,
    steps: Steps = None,
    encoder: EncoderName = None,
    reference: ReferenceName = None,
    seeds: Seeds = None,
    scheduler: Scheduler = None,
    within: Within = None,
    smoothing: Smoothing = None,
    view: StatedView = None,
    age: StatedAge = None,
    drawings: Drawings = DRAWINGS,
    opacity: Opacity = OPACITY,
    as_json: AsJson = False,
) -> None:
    """Draw one map: the picture over its radiograph, the numbers, and the recipe."""
    started = perf_counter()
    numbers = parse_seeds(seeds)
    from ui.map_commands import Job, draw_heatmap, recipe_changes

    tools: Tools = ctx.obj
    changes = recipe_changes(
        noise_level, scale, steps, encoder, reference, numbers, scheduler, within, smoothing
    )
    job = Job(
        file,
        frame,
        lambda: tools.open_workstation(bundle, library),
        changes,
        opacity,
        as_json,
        started,
        view,
        age,
        drawings,
    )
    draw_heatmap(job, super_class, direction, activation, output)


def panel(
    ctx: typer.Context,
    file: File,
    maps: Annotated[
        str | None,
        typer.Option(help="Columns, e.g. 'no finding:+,cardiomegaly:-'; chosen if left out."),
    ] = None,
    output: Annotated[Path, typer.Option("-o", "--output", help="The PNG to write.")] = Path(
        "panel.png"
    ),
    frame: Frame = None,
    bundle: BundleFolder = None,
    library: LibraryFolder = None,
    noise_level: NoiseLevel = None,
    scale: Scale = None,
    steps: Steps = None,
    encoder: EncoderName = None,
    reference: ReferenceName = None,
    seeds: Seeds = None,
    scheduler: Scheduler = None,
    within: Within = None,
    smoothing: Smoothing = None,
    view: StatedView = None,
    age: StatedAge = None,
    opacity: Opacity = OPACITY,
    as_json: AsJson = False,
) -> None:
    """Draw the paper's Figure 2: softmax above sigmoid, a column for each map."""
    started = perf_counter()
    numbers = parse_seeds(seeds)
    from ui.map_commands import Job, draw_panel, recipe_changes

    tools: Tools = ctx.obj
    changes = recipe_changes(
        noise_level, scale, steps, encoder, reference, numbers, scheduler, within, smoothing
    )
    job = Job(
        file,
        frame,
        lambda: tools.open_workstation(bundle, library),
        changes,
        opacity,
        as_json,
        started,
        view,
        age,
    )
    draw_panel(job, maps, output)


def serve(
    ctx: typer.Context,
    host: Annotated[str, typer.Option(help="An address of this machine itself.")] = LOOPBACK,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = PORT,
    bundle: BundleFolder = None,
    library: Annotated[
        Path, typer.Option("--library", help="Folder of the case library; made if it is missing.")
    ] = LIBRARY,
    demonstration: Annotated[
        bool, typer.Option("--demo/--no-demo", help="Fill a new library with synthetic cases.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Open the app for a browser on this machine."""
    from ui.server import listen, run

    tools: Tools = ctx.obj
    socket = listen(host, port)  # before the models are loaded: a taken port is told at once
    with socket:
        workstation = tools.open_workstation(bundle, library, searching=True)
        with tools.open_desk(workstation, library, demonstration=demonstration) as (desk, cases):
            run(socket, workstation, desk, cases, examples=EXAMPLES, as_json=as_json)


def parse_seeds(text: str | None) -> tuple[int, ...] | None:
    """Return the numbers in "0,1,2".

    Raises:
        typer.BadParameter: If a part is no number.
    """
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} are no seeds. Write whole numbers with commas between, for instance 0,1,2.",
            param_hint="--seeds",
        ) from None
