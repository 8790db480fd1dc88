"""Compressed or not, the pixels of a DICOM file as numbers, without ever trusting its sizes."""

import zlib
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame
from pydicom.filereader import read_dataset, read_preamble
from pydicom.pixels.processing import apply_color_lut
from pydicom.pixels.utils import get_expected_length, pixel_array
from pydicom.tag import BaseTag
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    JPEGExtended12Bit,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from daug.errors import RadiographError
from daug.loading.codestream import Codestream, read_codestream
from daug.loading.color import gray_from_rgb
from daug.loading.extended_jpeg import decode_12_bits
from daug.loading.gray_levels import Stored
from daug.loading.header import Header, read_with_pixels
from daug.loading.refusal import MAX_PIXELS, check_not_constant, refused_as

# What a deflated file may grow to: the largest image in 16 bits and a generous header.
MAX_INFLATED_BYTES = 2 * MAX_PIXELS + 16 * 2**20
INFLATE_STEP = 2**20  # bytes
# Of several decoders, the one that stays calm on damaged streams: pylibjpeg-rle panics with an
# exception that is no Exception (pydicom's own takes half a second longer at most), and
# pyjpegls was seen to brood for four seconds over 64 x 64 pixels.
SAFE_PLUGINS = {RLELossless: "pydicom", JPEGLSLossless: "gdcm", JPEGLSNearLossless: "gdcm"}
# What uncompressed pixels may have behind them: some writers fill up a block. More means that the
# header's rows, columns or bits are not those of the pixels, which would come out sheared.
MAX_PADDING_BYTES = 128


def check_inflated_size(path: Path) -> None:
    """Refuse a deflated file that would fill the memory, holding one megabyte at a time.

    pydicom inflates the whole of it before it looks at a single element.
    """
    with (
        refused_as(f"{path.name}: the DICOM file is damaged. Copy it again from its source."),
        path.open("rb") as file,
    ):
        read_preamble(file, force=False)
        # as pydicom does it, so that both find the same end of the file meta information
        meta = read_dataset(
            file, is_implicit_VR=False, is_little_endian=True, stop_when=_after_meta
        )
        if meta.get("TransferSyntaxUID") != DeflatedExplicitVRLittleEndian:
            return
        inflater, inflated, data = zlib.decompressobj(-zlib.MAX_WBITS), 0, file.read()
        while data and not inflater.eof:
            inflated += len(inflater.decompress(data, INFLATE_STEP))
            data = inflater.unconsumed_tail
            if inflated > MAX_INFLATED_BYTES:
                raise RadiographError(
                    f"{path.name}: the compressed file grows beyond "
                    f"{MAX_INFLATED_BYTES // 2**20} MB, far more than a radiograph. "
                    "Export the image without compression of the whole file."
                )


def decoded(path: Path, header: Header, index: int) -> Stored:
    """Return one frame, (H, W), in this machine's byte order.

    Args:
        path: The file.
        header: Of the same file, already found sane.
        index: The frame, from 0.

    Returns:
        Gray values as stored, 8 or 16 bits, with or without a sign; colors as 8-bit luminance.
    """
    sentence = (
        f"{path.name}: the pixels cannot be decoded: they are damaged, incomplete or compressed "
        "in a way that is not supported. Export the file again, without compression if need be."
    )
    with refused_as(sentence):
        dataset = read_with_pixels(path)
        if not dataset.get("PixelData"):
            raise RadiographError(
                f"{path.name}: the DICOM file holds no pixels, or was cut off before them. "
                "Copy it again from its source."
            )
        pixels = _decoded_frame(path.name, dataset, header, index)
        if header.text("PhotometricInterpretation") == "PALETTE COLOR":
            pixels = _colored(pixels, dataset)
        pixels = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
        if pixels.shape[:2] != header.shape:
            raise ValueError("another shape than the header's")
    check_not_constant(path.name, int(pixels.min()), int(pixels.max()))
    if pixels.ndim == 2:
        return pixels
    return gray_from_rgb(path.name, np.ascontiguousarray(pixels))


def _decoded_frame(name: str, dataset: Dataset, header: Header, index: int) -> Stored:
    syntax = dataset.file_meta.TransferSyntaxUID
    if not syntax.is_encapsulated:
        _check_length(name, dataset)
    else:
        frame = get_frame(dataset.PixelData, index, number_of_frames=header.frames)
        inside = read_codestream(frame)
        if inside is not None:
            _check_codestream(name, inside, header)
            if syntax == JPEGExtended12Bit and inside.bits == 12:
                return decode_12_bits(frame, inside.shape)
    # a view of what was read: another copy is made when the values are rescaled
    return pixel_array(
        dataset, index=index, decoding_plugin=SAFE_PLUGINS.get(syntax, ""), view_only=True
    )


def _check_length(name: str, dataset: Dataset) -> None:
    """Refuse uncompressed pixels that are too many for the header; too few cannot be decoded."""
    expected, found = get_expected_length(dataset), len(dataset.PixelData)
    if found > expected + MAX_PADDING_BYTES:
        raise RadiographError(
            f"{name}: the file holds {found} bytes of pixels, but its header describes "
            f"{expected}, so rows, columns or bits are wrong. Export the file again."
        )


def _after_meta(tag: BaseTag, vr: str | None, length: int) -> bool:
    return tag.group != 2


def _colored(pixels: Stored, dataset: Dataset) -> Stored:
    """Return palette colors in 8 bits; the tables mostly have 16, for 8-bit pixels too."""
    colors = apply_color_lut(pixels, dataset)
    return colors if colors.dtype == np.uint8 else (colors >> 8).astype(np.uint8)


def _check_codestream(name: str, inside: Codestream, header: Header) -> None:
    stated, bits = header.shape, header.whole("BitsAllocated", 0)
    if inside.shape != stated or inside.bits > bits:
        raise RadiographError(
            f"{name}: the file states {stated[0]} x {stated[1]} pixels of at most {bits} bits, but "
            f"its compressed image has {inside.shape[0]} x {inside.shape[1]} of {inside.bits}. "
            "Export the file again, without compression."
        )
