"""JPEG of 12 bits a sample (Extended, process 4), which film scanners and angiographs wrote.

pydicom 3.0 refuses it in GDCM, which decodes it all the same: bit for bit like libjpeg-turbo 3.
"""

import gdcm
import numpy as np
from numpy.typing import NDArray

BITS = 12


def decode_12_bits(frame: bytes, shape: tuple[int, int]) -> NDArray[np.uint16]:
    """Return the gray values of one frame, (H, W), 0 to 4095.

    Args:
        frame: A JPEG stream of one component.
        shape: Rows and columns that it states, already found sane.

    Raises:
        ValueError: The stream is damaged or has several components.
    """
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((shape[1], shape[0], 1))
    image.SetDataElement(_element(frame))
    gray = gdcm.PhotometricInterpretation(gdcm.PhotometricInterpretation.MONOCHROME2)
    image.SetPhotometricInterpretation(gray)
    image.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGExtendedProcess2_4))
    # 12 bits allocated, and not 16 as in the file: GDCM chooses its decoder by that, and would
    # complain on standard error before it finds the right one
    image.SetPixelFormat(gdcm.PixelFormat(1, BITS, BITS, BITS - 1, 0))
    samples = image.GetBuffer().encode("utf-8", "surrogateescape")  # bytes, handed over as text
    return np.frombuffer(samples, dtype="<u2").reshape(shape)


def _element(frame: bytes) -> "gdcm.DataElement":
    """Wrap a frame as the pixel data of a file with one fragment."""
    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(frame)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    return element
