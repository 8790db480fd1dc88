"""One chest as numbers: everything that chance decides about a body and how it is exposed.

Lengths are shares of the picture's side; x runs from -0.5 to 0.5 with the midline at 0 and the
patient's left on the right of the picture, y from 0 at the top to 1 at the bottom.
"""

from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

VESSELS = 9  # main branches of a lung's vascular tree


class Side(IntEnum):
    """The patient's side, as the sign of x on the picture."""

    RIGHT = -1
    LEFT = 1


@dataclass(frozen=True, eq=False)
class Hemithorax:
    """What the two sides of a chest have each for themselves."""

    side: Side
    base: float  # y of the costophrenic angle
    dome: float  # how far the diaphragm rises above it
    hilum: float  # y of the hilum
    vessels: NDArray[np.float64]  # (VESSELS, 4): angle, bend, length and width of each branch

    def raised(self, by: float) -> "Hemithorax":
        """Return the same with a higher diaphragm; the costophrenic angle follows by a third."""
        return replace(self, dome=self.dome + by * 2 / 3, base=self.base - by / 3)


@dataclass(frozen=True, eq=False)
class Exposure:
    """How the picture is taken: position, dose and detector."""

    roll: float  # degrees, the body against the detector
    zoom: float
    across: float
    down: float
    gain: float  # of all density: kilovoltage and window
    blur: float  # in shares of the side
    noise: float  # standard deviation of gray levels, full range 2
    noise_seed: int
    marker: str  # "R", "L" or none, as technicians lay it on the detector
    marker_place: tuple[float, float]  # x and y


@dataclass(frozen=True, eq=False)
class Body:
    """One chest, healthy unless a finding has moved something."""

    half_width: float  # of the inner thorax at its widest
    wall: float  # thickness of the chest wall
    apex: float  # y of the lung apices
    soft_tissue: float  # density of the body where no lung is
    lucency: float  # share of that which the lungs take away
    breast: float  # density of the breast shadows, 0 for none
    mediastinum: float  # half width above the heart
    aortic_knob: float  # how far it bulges
    turn: float  # of the body about its long axis: shift of what lies in front, in x
    midline: float  # shift of heart, trachea and mediastinum by volume loss, in x
    heart_ratio: float  # widest heart over widest inner thorax
    heart_left: float  # share of the heart that lies left of the midline
    apex_height: float  # of the heart: 0 hangs, 1 lies high
    rib_slope: float
    rib_density: float
    bone_density: float  # of clavicles and spine
    clavicle: float  # how steep
    fissure: float  # y of the minor fissure at the hilum
    fissure_slope: float  # how far it rises towards the wall
    fissure_density: float  # 0 where it is not hit edge-on
    stomach: float  # radius of the gastric bubble, 0 for none
    right: Hemithorax
    left: Hemithorax
    exposure: Exposure

    @property
    def sides(self) -> tuple[Hemithorax, Hemithorax]:
        """Right, left."""
        return self.right, self.left

    def of(self, side: Side) -> Hemithorax:
        """Return one half."""
        return self.right if side is Side.RIGHT else self.left

    def with_half(self, half: Hemithorax) -> "Body":
        """Return the same body with another half."""
        return replace(self, right=half) if half.side is Side.RIGHT else replace(self, left=half)


def draw_body(generator: np.random.Generator) -> Body:
    """Roll the dice for a healthy chest; the same number of throws whatever they show."""
    u = generator.uniform
    half_width, apex, base = u(0.355, 0.41), u(0.09, 0.15), u(0.8, 0.9)
    higher = u(0.0, 0.035)  # the right dome stands over the liver
    length = base - apex
    return Body(
        half_width=half_width,
        wall=u(0.025, 0.085),
        apex=apex,
        soft_tissue=u(0.88, 1.15),
        lucency=u(0.62, 0.76),
        breast=max(0.0, u(-0.16, 0.16)),
        mediastinum=u(0.05, 0.075),
        aortic_knob=u(0.012, 0.035),
        turn=float(np.clip(generator.normal(0, 0.012), -0.03, 0.03)),
        midline=0.0,
        heart_ratio=u(0.39, 0.48),
        heart_left=u(0.63, 0.72),
        apex_height=u(0, 1),
        rib_slope=u(0.7, 1.3),
        rib_density=u(0.07, 0.17),
        bone_density=u(0.16, 0.3),
        clavicle=u(-0.02, 0.05),
        fissure=apex + length * u(0.47, 0.52),
        fissure_slope=u(-0.01, 0.025),
        fissure_density=max(0.0, u(-0.1, 0.12)),
        stomach=max(0.0, u(-0.03, 0.05)),
        right=_draw_half(Side.RIGHT, apex, base - higher, generator),
        left=_draw_half(Side.LEFT, apex, base, generator),
        exposure=_draw_exposure(generator),
    )


def _draw_half(side: Side, apex: float, base: float, generator: np.random.Generator) -> Hemithorax:
    hilum = apex + (base - apex) * (0.45 if side is Side.RIGHT else 0.42)  # the left stands higher
    fan = np.linspace(-1.25, 1.35, VESSELS) + generator.normal(0, 0.1, VESSELS)
    vessels = np.stack(
        [
            fan,
            generator.normal(0, 0.35, VESSELS),
            generator.uniform(0.16, 0.3, VESSELS) * (0.75 + 0.25 * np.abs(np.sin(fan))),
            generator.uniform(0.009, 0.017, VESSELS),
        ],
        axis=1,
    )
    return Hemithorax(
        side,
        base=base,
        dome=generator.uniform(0.075, 0.125),
        hilum=hilum + generator.normal(0, 0.006),
        vessels=vessels,
    )


def _draw_exposure(generator: np.random.Generator) -> Exposure:
    u = generator.uniform
    side = -1 if u() < 0.5 else 1
    return Exposure(
        roll=float(np.clip(generator.normal(0, 1.8), -5, 5)),
        zoom=u(0.93, 1.05),
        across=u(-0.025, 0.025),
        down=u(-0.03, 0.03),
        gain=u(0.85, 1.2),
        blur=u(0.002, 0.006),
        noise=u(0.012, 0.04),
        noise_seed=int(generator.integers(2**32)),
        marker=("R" if side < 0 else "L") if u() < 0.5 else "",
        marker_place=(side * u(0.38, 0.44), u(0.06, 0.16)),
    )
