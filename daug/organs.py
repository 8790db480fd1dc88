"""Where lungs and heart lie on a picture, as masks; whatever drew them.

The masks overlap: much of the lower lungs lies behind the heart and in front of it. The patient's
left is on the right of the picture, as radiographs are hung.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from daug.errors import RadiographError

Mask = NDArray[np.bool_]
ORGANS = ("left_lung", "right_lung", "heart")  # the fields of OrganMasks, in order


class MaskBox(NamedTuple):
    """A rectangle of pixels; `bottom` and `right` are just beyond it, as in slices."""

    top: int
    left: int
    bottom: int
    right: int

    def mask(self, shape: tuple[int, int]) -> Mask:
        """Return the rectangle as a mask of some shape."""
        inside = np.zeros(shape, dtype=np.bool_)
        inside[self.top : self.bottom, self.left : self.right] = True
        return inside


@dataclass(frozen=True, eq=False)
class OrganMasks:
    """Lungs and heart of one picture; an organ that was not found is an empty mask."""

    left_lung: Mask  # (H, W), the patient's left: on the right of the picture
    right_lung: Mask  # (H, W)
    heart: Mask  # (H, W)

    def __post_init__(self) -> None:
        shapes = {mask.shape for mask in self.by_name.values()}
        if len(shapes) != 1 or len(next(iter(shapes))) != 2:
            raise RadiographError(
                f"The masks of lungs and heart must be of one height and width, got {shapes}."
            )
        if any(mask.dtype != np.bool_ for mask in self.by_name.values()):
            raise RadiographError("The masks of lungs and heart must be true or false.")

    @property
    def by_name(self) -> dict[str, Mask]:
        """Each mask by its name."""
        return {name: getattr(self, name) for name in ORGANS}

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the picture."""
        height, width = self.heart.shape
        return height, width

    @property
    def lungs(self) -> Mask:
        """Both lungs."""
        return self.left_lung | self.right_lung

    @property
    def chest(self) -> Mask:
        """Both lungs and the heart."""
        return self.lungs | self.heart

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of the organs that were not found."""
        return tuple(name for name, mask in self.by_name.items() if not mask.any())

    @property
    def thorax_box(self) -> MaskBox | None:
        """The smallest rectangle around lungs and heart; None if nothing was found."""
        return mask_box(self.chest)


def mask_box(mask: Mask) -> MaskBox | None:
    """Return the smallest rectangle around what is true, or None if nothing is."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return None
    return MaskBox(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)
