"""How maps are drawn: the method's fields on the screen, each explained, and checked before use.

The bundle's own recipe stands in them at first, and a button brings it back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from daug.bundle import Bundle
from daug.errors import RecipeError
from daug.heatmap import Encoder, Reference, Region

SCHEDULERS = ("DDIM", "DDPM", "DPM-Solver++", "UniPC", "DEIS", "Euler", "Euler ancestral")
NOISE_LEVEL = "Noise level L"
SCALE = "Guidance scale s"
STEPS = "Steps"
SEEDS = "Seeds"
WITHIN = "May change"
ONE_SEED = "The ddim encoder draws no noise; how stable its maps are is a layer of its own."
SEVERAL_SEEDS = "One map for each of these numbers, then their mean: 0, 1, 2."


@dataclass(frozen=True)
class Method:
    """The fields, and the button that brings the bundle's own recipe back."""

    panel: gr.Accordion
    noise_level: gr.Number
    scale: gr.Number
    steps: gr.Number
    encoder: gr.Radio
    reference: gr.Radio
    scheduler: gr.Dropdown
    within: gr.Dropdown
    seeds: gr.Textbox
    reset: gr.Button

    @property
    def fields(self) -> tuple[Component, ...]:
        """The fields in the order of `recipe_changes`."""
        numbers = (self.noise_level, self.scale, self.steps)
        return (*numbers, self.encoder, self.reference, self.scheduler, self.within, self.seeds)


def lay_out_method(bundle: Bundle) -> Method:
    """Lay out the fields as the bundle has them."""
    level, scale, steps, encoder, reference, scheduler, within, seeds = own_values(bundle)
    with gr.Accordion(
        panel_name(bundle, own_values(bundle)), open=False, elem_id="method"
    ) as panel:
        return Method(
            panel,
            _number(level, NOISE_LEVEL, "How far up the noise goes; more forgets more anatomy."),
            _number(scale, SCALE, "How hard the classifier steers; 0 only rebuilds."),
            _number(steps, STEPS, "How often the networks are asked; more is slower and finer."),
            gr.Radio(
                [one.value for one in Encoder],
                value=encoder,
                label="Encoder",
                info="How noise is added: ddim keeps more of this patient, gaussian is random.",
            ),
            gr.Radio(
                [one.value for one in Reference],
                value=reference,
                label="Reference",
                info="What is subtracted: a rebuilding without steering (control), or the input.",
            ),
            gr.Dropdown(
                list(SCHEDULERS),
                value=scheduler,
                label="Scheduler",
                info="The way down from the noise.",
            ),
            gr.Dropdown(
                regions(bundle),
                value=within,
                label=WITHIN,
                info="Where a map may change the picture; site: where such findings occur.",
            ),
            gr.Textbox(seeds, label=SEEDS, elem_id="seeds", max_lines=1, **seeds_state(encoder)),
            gr.Button("Back to the bundle's own recipe", size="sm", elem_id="own-recipe"),
        )


def own_values(bundle: Bundle) -> tuple[Any, ...]:
    """Return what the fields hold for the bundle's own recipe."""
    recipe = bundle.recipe
    seeds = ", ".join(map(str, recipe.seeds))
    names = (recipe.encoder.value, recipe.reference.value, recipe.scheduler, recipe.within.value)
    return (recipe.noise_level, recipe.scale, recipe.num_steps, *names, seeds)


def panel_name(bundle: Bundle, values: Sequence[Any]) -> str:
    """Return the panel's name, which tells whether maps are drawn as the bundle would."""
    same = list(values) == list(own_values(bundle))
    return "Method: the bundle's own" if same else "Method: changed"


def seeds_state(encoder: str) -> dict[str, Any]:
    """Return whether seeds can be given, and why not: only the Gaussian encoder draws noise."""
    drawn = encoder == Encoder.GAUSSIAN
    return {"interactive": drawn, "info": SEVERAL_SEEDS if drawn else ONE_SEED}


def recipe_changes(bundle: Bundle, *values: Any) -> dict[str, Any]:
    """Return the fields of a recipe as the screen has them.

    Args:
        values: Of `Method.fields`, in their order; a field that was emptied holds None.

    Raises:
        RecipeError: If one is not what its field is for; it names the field.
    """
    level, scale, steps, encoder, reference, scheduler, within, seeds = values
    chosen = Encoder(encoder)
    return {
        "noise_level": _whole(NOISE_LEVEL, level),
        "scale": _positive(SCALE, scale),
        "num_steps": _whole(STEPS, steps),
        "encoder": chosen,
        "reference": Reference(reference),
        "scheduler": str(scheduler),
        "within": Region(within),
        "seeds": bundle.recipe.seeds[:1] if chosen is Encoder.DDIM else _seeds(seeds),
    }


def regions(bundle: Bundle) -> list[str]:
    """Return the regions that can be asked for: all, if the models find lungs and heart."""
    return [one.value for one in Region if bundle.finds_organs or one is Region.PICTURE]


def _number(value: float, label: str, info: str) -> gr.Number:
    """Return a field without limits of its own: Gradio would refuse without saying why."""
    return gr.Number(value, label=label, info=info)


def _positive(label: str, value: float | None) -> float:
    if value is None or not 0 <= value < float("inf"):
        raise RecipeError(f"{label} must be a number from 0 upwards, got {_said(value)}.")
    return float(value)


def _whole(label: str, value: float | None) -> int:
    if value is None or value != value // 1 or value < 1:
        raise RecipeError(f"{label} must be a whole number from 1 upwards, got {_said(value)}.")
    return int(value)


def _seeds(text: str | None) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in (text or "").split(","))
    except ValueError:
        raise RecipeError(
            f"{SEEDS} must be whole numbers with commas between, as in 0, 1, 2; got {_said(text)}."
        ) from None


def _said(value: object) -> str:
    return "nothing" if value is None or value == "" else repr(value)
