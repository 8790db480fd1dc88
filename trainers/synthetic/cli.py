"""The command `daug bundle examples`."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from daug.errors import RecipeError

Tell = Callable[[dict[str, Any], bool, str], None]  # values, as JSON or not, the sentence else


def examples_command(start_log: Callable[[], None], tell: Tell) -> Callable[..., None]:
    """Return the command, which logs and answers as all others do."""

    def bundle_examples(
        bundle: Annotated[Path, typer.Argument(help="Folder of the bundle.")],
        manifest: Annotated[
            Path,
            typer.Option(
                "--manifest", exists=True, dir_okay=False, help="Table that its models learnt from."
            ),
        ],
        output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the pictures.")],
        count: Annotated[
            int, typer.Option(min=1, help="How many, spread evenly over the super-classes.")
        ] = 16,
        plan: Annotated[
            str,
            typer.Option(help="Instead: what and how many, unconditional:6,pleural+atelectasis:2."),
        ] = "",
        seed: Annotated[int, typer.Option(min=0, help="The first that is tried.")] = 0,
        scale: Annotated[float, typer.Option(min=0, help="Of the guidance.")] = 10.0,
        guided_below: Annotated[
            int, typer.Option(min=0, max=1000, help="Timestep below which the classifier guides.")
        ] = 1000,
        steps: Annotated[int, typer.Option(min=1, max=1000, help="Steps of each drawing.")] = 50,
        score: Annotated[
            float, typer.Option(min=0, max=1, help="Score that a guided picture must reach.")
        ] = 0.5,
        tries: Annotated[
            float, typer.Option(min=1, help="Pictures drawn at most for each one wanted.")
        ] = 6.0,
        without: Annotated[str, typer.Option(help="Seeds left out by eye, with commas.")] = "",
        cache: Annotated[
            Path | None, typer.Option(help="Keeps what takes long, to go on or to change the plan.")
        ] = None,
        as_json: Annotated[
            bool, typer.Option("--json", help="One JSON document on standard output.")
        ] = False,
    ) -> None:
        """Draw synthetic radiographs, check each against copying, and mark them as synthetic."""
        from trainers.synthetic.examples import draw_examples
        from trainers.synthetic.plan import Settings, even_plan, parse_plan

        try:
            seeds = tuple(int(word) for word in without.split(",") if word.strip())
        except ValueError as error:
            raise RecipeError(f"--without takes seeds, as in 3,17; got {without!r}.") from error
        settings = Settings(seed, scale, guided_below, steps, score, tries, seeds)
        start_log()
        index = draw_examples(
            bundle,
            manifest,
            output,
            lambda b: parse_plan(b, plan, settings) if plan else even_plan(b, count, settings),
            settings,
            cache,
        )
        tell(index, as_json, f"{len(index['examples'])} pictures are in {output}.")

    return bundle_examples
