"""What each preset does beside training: trials of the recipe, steps of the maps, bootstrap."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from daug.heatmap import Encoder, Reference
from trainers.clip_presets import ClipPreset, find_clip_preset
from trainers.evaluation.bootstrap import DRAWS
from trainers.presets import Preset, find_preset
from trainers.problem import LoopSettings
from trainers.recipe_search import SearchSpace

PAPER_BATCH = 256  # of the CLIP training; Jin et al. 2024, section 4


@dataclass(frozen=True)
class Size:
    """One preset of everything."""

    networks: Preset
    clip: ClipPreset
    space: SearchSpace  # of recipes that are tried
    tuned_on: int = 24  # radiographs of the training split
    measured_on: int = 64  # radiographs of the test split
    reference: Reference = Reference.CONTROL  # what the maps are compared with
    map_steps: int | None = None  # of the maps that the CLIP model sees; the bundle's own if none
    clip_batch: int | None = None  # radiographs of a step, in place of the preset's
    templates: bool = True  # whether cases without a report get a sentence composed from labels
    draws: int = DRAWS  # of every bootstrap

    @property
    def clip_loop(self) -> LoopSettings:
        """How long each CLIP training goes on."""
        return self.clip.loop


def _size(name: str, space: SearchSpace) -> Size:
    return Size(find_preset(name), find_clip_preset(name), space)


SIZES: Mapping[str, Size] = {
    "tiny": replace(
        _size("tiny", SearchSpace((300,), (Encoder.DDIM,), (30.0,), num_steps=2)),
        tuned_on=4,
        measured_on=2,
        map_steps=2,
        draws=100,
    ),
    "cpu": replace(_size("cpu", SearchSpace()), map_steps=10),
    "gpu": _size("gpu", SearchSpace()),
    # The paper noises by 500 steps with Gaussian noise and compares with the radiograph; only the
    # strength, which it does not print, is left to choose.
    "paper": replace(
        _size("paper", SearchSpace((500,), (Encoder.GAUSSIAN,))),
        reference=Reference.INPUT,
        clip_batch=PAPER_BATCH,
        templates=False,
    ),
}


def find_size(name: str) -> Size:
    """Return what a preset says.

    Raises:
        TrainingError: If there is none of that name.
    """
    find_preset(name)  # which names those that there are
    return SIZES[name]
