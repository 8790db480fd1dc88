"""A phantom: a procedural chest radiograph with findings, and exactly where everything is."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from daug.errors import RadiographError
from daug.findings import SUPER_CLASSES, Finding, State
from daug.organs import Mask, OrganMasks
from daug.phantom.atelectasis import Atelectasis, atelectasis_density, draw_atelectasis, pulled
from daug.phantom.body import Body, draw_body
from daug.phantom.landmarks import find_landmarks
from daug.phantom.painting import PAINTERS, kept
from daug.phantom.rendering import render, shown
from daug.radiograph import MIN_SIDE

DRAWN = (
    Finding.CARDIOMEGALY,
    Finding.LUNG_LESION,
    Finding.CONSOLIDATION,
    Finding.ATELECTASIS,
    Finding.PLEURAL_EFFUSION,
    Finding.SUPPORT_DEVICES,
)  # one for each super-class but "No Finding", which is a phantom with none of them
ENLARGED = (0.56, 0.68)  # widest heart over widest inner thorax; up to 0.48 is drawn otherwise


@dataclass(frozen=True, eq=False)
class Phantom:
    """A drawn radiograph with its truth. The patient's left is on the right of the picture.

    What a mask means: for nodules, consolidation, effusion and devices, the pixels that the
    finding changed, all others being bit for bit those of the phantom without it. For atelectasis,
    the part without air; the diaphragm, hilum, fissure and mediastinum that it draws towards it
    have moved as well, outside the mask. For an enlarged heart, the whole heart as drawn. The
    organs lie where the body's geometry has them, whatever opacity or fluid hides them.
    """

    pixels: NDArray[np.float32]  # (S, S) in [-1, 1]
    masks: Mapping[Finding, Mask]  # (S, S) each, of the findings that are shown
    organs: OrganMasks

    @property
    def labels(self) -> dict[Finding, int]:
        """Return 1 or 0 for each drawn finding, and for No Finding."""
        return labels_of(self.masks)


def draw_phantom(seed: int, findings: Collection[Finding], size: int) -> Phantom:
    """Return the phantom of a seed with some findings.

    The same seed is the same body, exposure and noise whatever is found, and a finding looks the
    same whichever others are beside it (as far as they do not move what it stands in). So two
    phantoms of one seed differ by their findings alone.

    Args:
        seed: Of all chance, 0 or more.
        findings: Any of `DRAWN`; none for a phantom without findings.
        size: Side S of the picture in pixels, at least 64.

    Raises:
        RadiographError: If a finding is not one of `DRAWN`, or the size is too small.
    """
    unknown = set(findings) - set(DRAWN)
    if unknown or size < MIN_SIDE:
        raise RadiographError(
            f"A phantom of {size} pixels with {', '.join(sorted(unknown)) or 'these findings'} "
            f"cannot be drawn. Take at least {MIN_SIDE} pixels and any of {', '.join(DRAWN)}."
        )
    body, collapse = _affected(draw_body(np.random.default_rng(seed)), seed, findings)
    rendered = render(body, size)
    landmarks, density = find_landmarks(rendered.organs), rendered.density
    masks: dict[Finding, Mask] = {}
    for finding in (finding for finding in DRAWN if finding in findings):
        if finding is Finding.CARDIOMEGALY:
            masks[finding] = rendered.organs.heart
            continue
        if finding is Finding.ATELECTASIS:
            own = kept(atelectasis_density(collapse, landmarks))
        else:
            own = kept(PAINTERS[finding](_dice(seed, finding), landmarks))
        density = density + own
        masks[finding] = own > 0
    return Phantom(shown(density, body.exposure), masks, rendered.organs)


def labels_of(findings: Collection[Finding]) -> dict[Finding, int]:
    """Return 1 or 0 for each of `DRAWN`, and for No Finding 1 if there is none of them."""
    labels = {finding: int(finding in findings) for finding in DRAWN}
    return {Finding.NO_FINDING: int(not any(labels.values())), **labels}


def super_class_vector(findings: Collection[Finding]) -> NDArray[np.float32]:
    """Return 1 or 0 for each of `daug.findings.SUPER_CLASSES`, (7,)."""
    labels = labels_of(findings)
    states = [super_class.state(labels) for super_class in SUPER_CLASSES]
    return np.array([state is State.PRESENT for state in states], dtype=np.float32)


def _affected(body: Body, seed: int, findings: Collection[Finding]) -> tuple[Body, Atelectasis]:
    """Return the body as the findings that move anatomy leave it."""
    collapse = draw_atelectasis(_dice(seed, Finding.ATELECTASIS))
    if Finding.CARDIOMEGALY in findings:
        ratio = _dice(seed, Finding.CARDIOMEGALY).uniform(*ENLARGED)
        body = replace(body, heart_ratio=ratio)
    if Finding.ATELECTASIS in findings:
        body = pulled(body, collapse)
    return body, collapse


def _dice(seed: int, finding: Finding) -> np.random.Generator:
    """Return a finding's own dice, which no other finding's throws disturb."""
    return np.random.default_rng((seed, 1 + DRAWN.index(finding)))
