"""A radiograph with heatmaps as further channels: what a CLIP image tower looks at.

Jin et al. 2024, "DAug", arXiv:2412.04828, section 3.3: radiograph, radiograph, heatmap of
"+ No Finding". The other two kinds are ours. Order and range of the channels are fixed in
`stack_channels` and nowhere else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from daug.errors import EmbeddingError
from daug.heatmap import Heatmap, Recipe
from daug.radiograph import Radiograph

COLOURS = 3  # channels of the towers that were trained on photographs


class ChannelKind(StrEnum):
    """What an image tower is shown."""

    PLAIN = "plain"  # the radiograph, three times
    PAPER = "paper"  # radiograph, radiograph, change towards No Finding
    ALL = "all"  # radiograph, then one change for every super-class


@dataclass(frozen=True)
class ChannelPlan:
    """Which channels a model was trained on, down to how each map is drawn."""

    kind: ChannelKind = ChannelKind.PLAIN
    maps: tuple[Recipe, ...] = ()  # in the order of the channels
    full_at: float = 1.0  # change in pixel intensity that reads as 1: the bundle's heat scale
    bundle_digest: str = ""  # of the networks that draw the maps; empty without maps

    def __post_init__(self) -> None:
        wanted = {ChannelKind.PLAIN: (0,), ChannelKind.PAPER: (1,)}.get(self.kind)
        if len(self.maps) not in (wanted or range(1, 100)):
            raise EmbeddingError(f"Channels {self.kind.value!r} cannot hold {len(self.maps)} maps.")
        if not self.full_at > 0:
            raise EmbeddingError(f"A heat scale must be above 0, got {self.full_at}.")

    @property
    def count(self) -> int:
        """How many channels there are."""
        return 1 + len(self.maps) if self.kind is ChannelKind.ALL else COLOURS

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "kind": self.kind.value,
            "maps": [recipe.to_dict() for recipe in self.maps],
            "full_at": self.full_at,
            "bundle_digest": self.bundle_digest,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "ChannelPlan":
        """Return the plan that `to_dict` wrote.

        Raises:
            EmbeddingError: If a field is missing, unknown or out of range.
            RecipeError: If a map's recipe is.
        """
        try:
            return cls(
                ChannelKind(values["kind"]),
                tuple(Recipe.from_dict(recipe) for recipe in values["maps"]),
                float(values["full_at"]),
                str(values["bundle_digest"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise EmbeddingError(f"The channels cannot be read: {error!r}.") from error


def stack_channels(
    plan: ChannelPlan, radiographs: NDArray[np.float32], changes: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return what the image tower sees, (B, C, S, S) in [-1, 1].

    Args:
        plan: Kind and scale.
        radiographs: (B, S, S) in [-1, 1], air -1.
        changes: Signed changes of pixel intensity, (B, M, S, S) with M = len(plan.maps).

    Returns:
        Radiograph channels as they are, first; then the changes divided by the heat scale and
        cut off at -1 and 1: 0 nothing changes, -1 something bright would go, 1 it would come.
    """
    count = {ChannelKind.PLAIN: 3, ChannelKind.PAPER: 2, ChannelKind.ALL: 1}[plan.kind]
    if changes.shape[1] != len(plan.maps):
        raise EmbeddingError(f"{len(plan.maps)} maps are needed, got {changes.shape[1]}.")
    repeated = np.repeat(radiographs[:, None], count, axis=1)
    heat = np.clip(changes / plan.full_at, -1, 1)
    return np.asarray(np.concatenate([repeated, heat], axis=1), dtype=np.float32)


def resize_change(change: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Return a map on the model's square at another size, (S, S)."""
    if change.shape == (size, size):
        return change
    return np.asarray(
        cv2.resize(change, (size, size), interpolation=cv2.INTER_LINEAR), dtype=np.float32
    )


@dataclass(frozen=True, eq=False)
class AugmentedRadiograph:
    """A radiograph and the changes that were drawn of it."""

    radiograph: Radiograph
    changes: Mapping[Recipe, NDArray[np.float32]] = field(default_factory=dict)  # (S, S) each
    bundle_digest: str = ""  # of the networks that drew them

    @classmethod
    def from_heatmaps(
        cls, radiograph: Radiograph, heatmaps: Sequence[Heatmap]
    ) -> "AugmentedRadiograph":
        """Put a radiograph and its heatmaps together.

        Raises:
            EmbeddingError: If a map was drawn of another radiograph, or by two bundles.
        """
        digests = {heatmap.bundle_digest for heatmap in heatmaps}
        if any(heatmap.pixel_digest != radiograph.digest for heatmap in heatmaps):
            raise EmbeddingError(
                f"A heatmap of another radiograph cannot be a channel of {radiograph.source_name}. "
                "Draw it again."
            )
        if len(digests) > 1:
            raise EmbeddingError("These heatmaps are of two bundles. Draw them with one.")
        changes = {heatmap.recipe: heatmap.change for heatmap in heatmaps}
        return cls(radiograph, changes, next(iter(digests), ""))

    def channels(self, plan: ChannelPlan, size: int) -> NDArray[np.float32]:
        """Return what a model of this plan sees, (C, size, size) in [-1, 1].

        Raises:
            EmbeddingError: If a map is missing, or was drawn by another bundle.
        """
        missing = [recipe for recipe in plan.maps if recipe not in self.changes]
        if missing:
            first = missing[0]
            raise EmbeddingError(
                f"The model also looks at the map {first.direction.sign} {first.super_class} "
                f"({first.activation.value}, {first.num_steps} steps), which was not drawn of "
                f"{self.radiograph.source_name}. Draw it with the recipe that the model names."
            )
        if plan.maps and self.bundle_digest != plan.bundle_digest:
            raise EmbeddingError(
                f"The maps of {self.radiograph.source_name} are of bundle "
                f"{self.bundle_digest[:8]}, but the model learnt from those of "
                f"{plan.bundle_digest[:8]}. Use the bundle that it belongs to."
            )
        changes = [resize_change(self.changes[recipe], size) for recipe in plan.maps]
        maps = np.stack(changes) if changes else np.empty((0, size, size), np.float32)
        return _stacked(plan, self.radiograph, maps)


def channels_without_heat(
    radiograph: Radiograph, plan: ChannelPlan, size: int
) -> NDArray[np.float32]:
    """Return what a model of this plan sees where no map is drawn, (C, size, size) in [-1, 1]."""
    return _stacked(plan, radiograph, np.zeros((len(plan.maps), size, size), np.float32))


def _stacked(
    plan: ChannelPlan, radiograph: Radiograph, maps: NDArray[np.float32]
) -> NDArray[np.float32]:
    pixels = radiograph.model_input(maps.shape[-1]).pixels
    stacked = stack_channels(plan, pixels[None], maps[None])  # (1, C, S, S)
    return np.asarray(stacked[0])
