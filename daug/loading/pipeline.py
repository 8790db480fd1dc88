"""The grayscale pipeline of a DICOM file: what it states, applied to its stored values.

Stored values, modality LUT or rescale, VOI LUT or window, inversion, in the order of PS3.3 C.11.
"""

import numpy as np
from numpy.typing import NDArray

from daug.loading.gray_levels import (
    Shown,
    Stored,
    Values,
    Window,
    WindowFunction,
    inverted,
    rescaled,
    shown_from_8_bits,
    stretched_by_percentile,
)
from daug.loading.header import Header
from daug.radiograph import AIR


def shown_gray(stored: Stored, header: Header) -> tuple[Shown, tuple[str, ...]]:
    """Return gray levels with air dark and bone bright, and what was odd about them.

    Args:
        stored: Values as they lie in the file, (H, W), in this machine's byte order.
        header: Of the same file.
    """
    shown, odd_window = _windowed(stored, header)
    shown, odd_polarity = _air_dark(shown, header)
    padding = _padding(stored, header)
    if padding is not None:
        shown[padding] = AIR
    return shown, (*odd_window, *odd_polarity)


def _windowed(stored: Stored, header: Header) -> tuple[Shown, tuple[str, ...]]:
    """Take stored values through the modality LUT and the VOI LUT or window."""
    values = _modality_values(stored, header)
    voi_table = header.lookup_table("VOILUTSequence")
    if voi_table is not None:
        shown = voi_table.apply(values)
    elif header.states("WindowCenter") or header.states("WindowWidth"):
        window = _first_window(header)
        if window is None:
            return _without_window(values, stored, header), (
                "The file's window makes no sense; the gray levels were spread instead.",
            )
        shown = window.apply(values)
    else:
        return _without_window(values, stored, header), ()
    if shown.min() == shown.max():
        return _without_window(values, stored, header), (
            "The file's window shows nothing of the image; the gray levels were spread instead.",
        )
    return shown, ()


def _modality_values(stored: Stored, header: Header) -> Values:
    table = header.lookup_table("ModalityLUTSequence")
    if table is not None:
        return table.look_up(stored.astype(np.float32))
    slope, intercept = header.numbers("RescaleSlope"), header.numbers("RescaleIntercept")
    if not slope or not intercept or slope[0] == 0:  # they only hold together
        return stored.astype(np.float32)
    return rescaled(stored, slope[0], intercept[0])


def _first_window(header: Header) -> Window | None:
    """Return the first window of the file; the others are alternatives, not corrections."""
    center, width = header.numbers("WindowCenter"), header.numbers("WindowWidth")
    function = header.text("VOILUTFunction") or WindowFunction.LINEAR
    try:
        return Window(center[0], width[0], WindowFunction(function))
    except (IndexError, ValueError):
        return None


def _without_window(values: Values, stored: Stored, header: Header) -> Shown:
    """Show 8 bits as an 8-bit picture is shown, so that both are the same; spread the others."""
    if stored.dtype == np.uint8 and np.array_equal(values, stored):
        return shown_from_8_bits(values)
    return stretched_by_percentile(values, _padding(stored, header))


def _air_dark(shown: Shown, header: Header) -> tuple[Shown, tuple[str, ...]]:
    """Invert what is stored with air bright.

    Presentation LUT Shape (2050,0020), where it is stated, has the last word on what is shown;
    else MONOCHROME1 means that the lowest value is white. The DX Image Module (PS3.3 C.8.11.3)
    demands that both say the same thing, which is one inversion and not two.
    """
    by_photometric = header.text("PhotometricInterpretation") == "MONOCHROME1"
    by_shape = {"INVERSE": True, "IDENTITY": False}.get(header.text("PresentationLUTShape"))
    bright_air = by_photometric if by_shape is None else by_shape
    odd: tuple[str, ...] = ()
    if by_shape is not None and by_shape != by_photometric:
        odd = ("The file contradicts itself on black and white; check that bone is bright.",)
    return (inverted(shown) if bright_air else shown), odd


def _padding(stored: Stored, header: Header) -> NDArray[np.bool_] | None:
    """Return which pixels are no image, from Pixel Padding Value and Range Limit.

    Source: PS3.3 C.7.5.1.1.2; both ends of the range are padding.
    """
    numbers = header.numbers("PixelPaddingValue")[:1]
    if not numbers:
        return None
    limit = header.numbers("PixelPaddingRangeLimit")[:1] or numbers
    # either may be written without the sign its pixels have, so both go by their bits
    unsigned = np.dtype(f"u{stored.dtype.itemsize}")
    bits = 8 * stored.dtype.itemsize
    ends = np.array([int(end) % 2**bits for end in (numbers[0], limit[0])], dtype=unsigned)
    low, high = np.sort(ends.view(stored.dtype))
    return np.asarray((stored >= low) & (stored <= high))
