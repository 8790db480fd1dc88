"""From stored gray levels to shown ones.

    stored    integers as they lie in the file
    values    the same after the modality LUT, or rescale slope and intercept; float32
    shown     after a window or VOI LUT; float32 in [-1, 1], the window's lower end at -1

Nothing here knows about files. Inversion comes last, on what is shown, as in the grayscale
pipeline of PS3.3 C.11 (2024d), and is a change of sign, so that two inversions are none.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

Stored = NDArray[np.integer[Any]]
Shown = NDArray[np.float32]
Values = NDArray[np.float32]

# Percent of pixels. Where a file states no window, half a percent at either end is left to
# markers, collimator edges and dead pixels, and the rest is stretched from -1 to 1.
LOW_PERCENTILE, HIGH_PERCENTILE = 0.5, 99.5
# Narrower windows are rounding errors and would overflow float32.
NARROWEST_WINDOW = 1e-6


class WindowFunction(StrEnum):
    """How a window bends gray levels, as VOI LUT Function (0028,1056) names it."""

    LINEAR = "LINEAR"  # also where nothing is said
    LINEAR_EXACT = "LINEAR_EXACT"
    SIGMOID = "SIGMOID"


@dataclass(frozen=True)
class Window:
    """The gray levels that are shown, in units after the modality LUT.

    Raises:
        ValueError: The width is below 1 for LINEAR or not above 0 for the others, as PS3.3
            C.11.2.1.2.1 and C.11.2.1.3 demand.
    """

    center: float
    width: float
    function: WindowFunction = WindowFunction.LINEAR

    def __post_init__(self) -> None:
        narrowest = 1 if self.function is WindowFunction.LINEAR else NARROWEST_WINDOW
        if self.width < narrowest:
            raise ValueError(
                f"A {self.function} window must be {narrowest} or wider, got {self.width}."
            )

    def apply(self, values: Values) -> Shown:
        """Show the values through this window, whatever their shape.

        Source: PS3.3 C.11.2.1.2.1 (LINEAR), C.11.2.1.3.1 (SIGMOID), C.11.2.1.3.2
        (LINEAR_EXACT), with an output range from -1 to 1.
        """
        if self.function is WindowFunction.SIGMOID:
            # 2 / (1 + exp(-4 z)) - 1 is tanh(2 z), which cannot overflow
            from_center = (values - np.float32(self.center)) / np.float32(self.width)
            return np.asarray(np.tanh(2 * from_center), dtype=np.float32)
        if self.function is WindowFunction.LINEAR:
            low, high = self.center - self.width / 2, self.center + self.width / 2 - 1
        else:
            low, high = self.center - self.width / 2, self.center + self.width / 2
        return stretched(values, low, high)


@dataclass(frozen=True, eq=False)
class LookupTable:
    """A modality or VOI LUT.

    Source: PS3.3 C.11.1.1 and C.11.2.1.1: values before the table take its first entry,
    values after it its last.
    """

    entries: NDArray[np.uint16]
    first: int  # the value that takes the first entry
    bits: int  # an entry lies between 0 and 2**bits - 1

    def look_up(self, values: Values) -> Values:
        """Return the entry for each value; values between two entries take the nearer one."""
        index = np.clip(np.rint(values) - self.first, 0, len(self.entries) - 1)
        return np.asarray(self.entries[index.astype(np.int32)], dtype=np.float32)

    def apply(self, values: Values) -> Shown:
        """Show the values as a VOI LUT does, its whole output range from -1 to 1."""
        # Some scanners state fewer bits than their entries fill; nothing may leave the range.
        top = max(2**self.bits - 1, int(self.entries.max()))
        return stretched(self.look_up(values), 0, top)


def rescaled(stored: Stored, slope: float, intercept: float) -> Values:
    """Apply Rescale Slope (0028,1053) and Intercept (0028,1052), PS3.3 C.11.1.1.2."""
    values = stored.astype(np.float32)
    if slope != 1:
        values *= np.float32(slope)
    if intercept != 0:
        values += np.float32(intercept)
    return values


def stretched(values: Values, low: float, high: float) -> Shown:
    """Bring low to -1 and high to 1, in a straight line; what lies outside stays at the ends.

    Where low and high are one, values up to it are -1 and values above it 1: the limit that
    PS3.3 C.11.2.1.2.1 gives for a window one wide.
    """
    if low == high:
        return np.where(values > low, np.float32(1), np.float32(-1))
    shown = values - np.float32((low + high) / 2)
    shown *= np.float32(2 / (high - low))
    return np.clip(shown, -1, 1, out=shown)


def stretched_by_percentile(values: Values, ignored: NDArray[np.bool_] | None = None) -> Shown:
    """Show values for which no window is stated, from LOW_PERCENTILE to HIGH_PERCENTILE.

    Args:
        values: Any shape.
        ignored: Pixels that are padding and must not move the percentiles; same shape.
    """
    counted = values if ignored is None else values[~ignored]
    if counted.size == 0:
        return np.full(values.shape, -1, dtype=np.float32)
    low, high = np.percentile(counted, (LOW_PERCENTILE, HIGH_PERCENTILE))
    if low == high:  # nearly all pixels are alike; show the few that are not
        low, high = counted.min(), counted.max()
    if low == high:
        return np.full(values.shape, -1, dtype=np.float32)
    return stretched(values, float(low), float(high))


def inverted(shown: Shown) -> Shown:
    """Make dark bright and bright dark; done twice, nothing has changed."""
    return -shown


def shown_from_8_bits(values: Stored | Values) -> Shown:
    """Bring 0 to -1 and 255 to 1: 8-bit values were windowed when they were made."""
    return np.asarray(values, dtype=np.float32) / np.float32(127.5) - 1
