"""Where guidance may change a picture: everywhere, in the chest, or in the lungs alone.

A classifier's gradient points at shoulders, letters and the edge of the exposed field as readily as
at disease. What it says there is no finding, so a recipe may leave it out: outside its region the
counterfactual is the control, pixel for pixel.

Masks lie on the model's square, (S, S). A region is drawn wider than its organs, since dense
disease cuts a segmented lung short, and pleura and costophrenic angles lie at its border.
"""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from daug.findings import Finding
from daug.heatmap import Recipe, Region
from daug.organs import Mask, OrganMasks

CHEST_MARGIN = 0.06  # of the side: pleura, ribs, costophrenic angles
LUNG_MARGIN = 0.03
MIN_CHEST_SHARE = 0.1  # of the picture; a smaller chest was not found
SOFT_EDGE = 0.04  # of the side, over which guidance falls from all to nothing


IN_THE_LUNGS = {
    *(Finding.LUNG_OPACITY, Finding.LUNG_LESION, Finding.EDEMA),
    *(Finding.CONSOLIDATION, Finding.PNEUMONIA, Finding.ATELECTASIS),
}
ANYWHERE = {Finding.SUPPORT_DEVICES, Finding.FRACTURE}  # tubes enter at the neck


def site_of(findings: Sequence[Finding]) -> Region:
    """Return where the findings of a super-class occur.

    Effusion and pneumothorax push a lung aside, so theirs is the chest, as is that of the heart
    and of No Finding, which is about everything.
    """
    if ANYWHERE.intersection(findings):
        return Region.PICTURE
    return Region.LUNGS if IN_THE_LUNGS.issuperset(findings) else Region.CHEST


def region_asked(recipe: Recipe, findings_of: Callable[[str], Sequence[Finding]]) -> Region:
    """Return where a recipe lets the picture change; never SITE.

    Args:
        recipe: What is asked.
        findings_of: Returns the findings of a super-class by its name; asked where they matter.
    """
    if recipe.within is not Region.SITE:
        return recipe.within
    return site_of(findings_of(recipe.super_class))


def region_mask(region: Region, organs: OrganMasks) -> NDArray[np.float32] | None:
    """Return how far each pixel may be changed, (S, S) in [0, 1].

    None is the whole picture: it was asked for, or lungs and heart were not found.

    Args:
        region: Any but SITE, of which `site_of` says what it is.
        organs: Lungs and heart on the model's square.
    """
    if region is Region.PICTURE or organs.missing or organs.chest.mean() < MIN_CHEST_SHARE:
        return None
    return softened(chest_of(organs) if region is Region.CHEST else lungs_of(organs))


def chest_of(organs: OrganMasks) -> Mask:
    """Return lungs, heart and all between them, with a margin, (S, S); everything if not found."""
    if organs.chest.mean() < MIN_CHEST_SHARE:
        return np.ones(organs.shape, dtype=np.bool_)
    return _widened_hull(organs.chest, CHEST_MARGIN)


def lungs_of(organs: OrganMasks) -> Mask:
    """Return the hull of each lung with a margin, (S, S)."""
    return np.asarray(
        _widened_hull(organs.left_lung, LUNG_MARGIN) | _widened_hull(organs.right_lung, LUNG_MARGIN)
    )


def softened(mask: Mask) -> NDArray[np.float32]:
    """Return a mask that falls to 0 at its own border and is 0 outside, (S, S)."""
    padded = np.pad(mask.astype(np.uint8), 1)  # the picture's border is a border, too
    inwards = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    return np.asarray(np.clip(inwards / (SOFT_EDGE * mask.shape[0]), 0, 1), dtype=np.float32)


def _widened_hull(mask: Mask, margin: float) -> Mask:
    hull = np.zeros(mask.shape, dtype=np.uint8)
    points = cv2.findNonZero(mask.astype(np.uint8))
    if points is None:
        return hull.astype(np.bool_)
    cv2.fillConvexPoly(hull, cv2.convexHull(points), 1)
    reach = 2 * round(margin * mask.shape[0]) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    return np.asarray(cv2.dilate(hull, disc).astype(np.bool_))
