"""The recipe's fields on the screen, and what they change when a map is drawn."""

from typing import Any

import gradio as gr
from gradio.components import Component

from daug.bundle import Bundle
from daug.heatmap import Encoder, Reference


def recipe_settings(bundle: Bundle) -> tuple[Component, ...]:
    """Lay out the recipe's fields, in the order of `recipe_changes`, as the bundle has them."""
    recipe = bundle.recipe
    return (
        gr.Slider(10, 900, recipe.noise_level, step=10, label="Noise level L"),
        gr.Number(recipe.scale, minimum=0, label="Guidance scale s"),
        gr.Slider(1, 200, recipe.num_steps, step=1, label="Steps"),
        gr.Radio([one.value for one in Encoder], value=recipe.encoder.value, label="Encoder"),
        gr.Radio([one.value for one in Reference], value=recipe.reference.value, label="Reference"),
        gr.Slider(1, 8, len(recipe.seeds), step=1, label="Seeds (mean of several)"),
    )


def recipe_changes(
    bundle: Bundle,
    noise_level: float,
    scale: float,
    steps: float,
    encoder: str,
    reference: str,
    seeds: float,
) -> dict[str, Any]:
    """Return the fields of a recipe as the screen's settings have them.

    Args:
        seeds: How many; they count up from the bundle's first.
    """
    first = bundle.recipe.seeds[0]
    return {
        "noise_level": int(noise_level),
        "scale": float(scale),
        "num_steps": int(steps),
        "encoder": Encoder(encoder),
        "reference": Reference(reference),
        "seeds": tuple(range(first, first + int(seeds))),
    }
