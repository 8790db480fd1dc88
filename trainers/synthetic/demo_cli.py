"""The commands `daug bundle demo` and `daug bundle demo-embed`."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from daug.errors import RecipeError
from trainers.cli_options import BundleArgument, JsonOption, ManifestOption, start_log, tell, words

DemoFolder = Annotated[Path, typer.Option("-o", "--output", help="Folder of the demonstration.")]
CacheOption = Annotated[
    Path | None, typer.Option(help="Keeps what takes long, to go on where a run was stopped.")
]


def add_demo_commands(bundle: typer.Typer) -> None:
    """Hang the commands onto `daug bundle`."""
    commands: dict[str, Callable[..., None]] = {"demo": bundle_demo, "demo-embed": demo_embed}
    for name, command in commands.items():
        bundle.command(name)(command)


def bundle_demo(
    bundle: BundleArgument,
    manifest: ManifestOption,
    output: DemoFolder,
    count: Annotated[int, typer.Option(min=1, help="How many cases.")] = 240,
    seed: Annotated[int, typer.Option(min=0, help="The first that is tried.")] = 1_000_000,
    scale: Annotated[float, typer.Option(min=0, help="Of the guidance.")] = 10.0,
    steps: Annotated[int, typer.Option(min=1, max=1000, help="Steps of each drawing.")] = 50,
    score: Annotated[
        float, typer.Option(min=0, max=1, help="Score that every aim must reach at least.")
    ] = 0.5,
    tries: Annotated[
        float, typer.Option(min=1, help="Pictures drawn at most for each one wanted.")
    ] = 6.0,
    without: Annotated[str, typer.Option(help="Seeds left out by eye, with commas.")] = "",
    cache: CacheOption = None,
    sheet: Annotated[
        Path | None, typer.Option(help="PNG file for all pictures side by side, to look at.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Draw the synthetic cases of the demonstration library, with labels and sentences."""
    from trainers.synthetic.demo import draw_demonstration
    from trainers.synthetic.plan import Settings

    try:
        seeds = tuple(map(int, words(without)))
    except ValueError as error:
        raise RecipeError(f"--without takes seeds, as in 3,17; got {without!r}.") from error
    settings = Settings(seed, scale, num_steps=steps, asked=score, tries=tries, without=seeds)
    start_log()
    index = draw_demonstration(bundle, manifest, output, count, settings, cache, sheet)
    tell(index, as_json, f"{len(index['cases'])} cases are in {output}.")


def demo_embed(
    bundle: BundleArgument,
    output: DemoFolder,
    cache: CacheOption = None,
    as_json: JsonOption = False,
) -> None:
    """Embed the demonstration's cases, and keep embeddings and heat beside them."""
    from trainers.synthetic.demo_embed import embed_demonstration

    start_log()
    told = embed_demonstration(bundle, output, cache)
    files = Counter(file["file"] for file in told["shipped"])
    tell(told, as_json, f"{', '.join(files)} are in {output}.")
