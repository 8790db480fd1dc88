"""How large and how deep a compressed frame says it is, before anything is decoded.

A file may state 64 x 64 pixels outside and 60,000 x 60,000 inside; a decoder believes the
inside and asks for the memory.
"""

import struct
from typing import NamedTuple

J2K_START = b"\xff\x4f\xff\x51"  # SOC and SIZ, ISO/IEC 15444-1 A.4 and A.5; also HTJ2K
JPEG_START = b"\xff\xd8"  # ITU-T T.81; also JPEG-LS
# Start-of-frame markers: all of C0 to CF but DHT, JPG and DAC; F7 is JPEG-LS's
JPEG_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC} | {0xF7}
JPEG_BARE = {0x01, *range(0xD0, 0xD9)}  # markers that have no length


class Codestream(NamedTuple):
    """What a compressed frame states of itself."""

    shape: tuple[int, int]  # rows and columns
    bits: int  # per sample


def read_codestream(frame: bytes) -> Codestream | None:
    """Return what a JPEG, JPEG-LS or JPEG 2000 frame states, None for anything else.

    Raises:
        struct.error: The stream ends before it says its size.
    """
    if frame.startswith(JPEG_START):
        return _read_jpeg(frame)
    start = frame.find(J2K_START, 0, 4096)  # some files wrap the stream in JP2 boxes
    if start < 0:
        return None
    right, bottom, left, top = struct.unpack_from(">4I", frame, start + 8)
    (depth,) = struct.unpack_from(">B", frame, start + 42)  # Ssiz: a sign, and the bits less one
    return Codestream((bottom - top, right - left), (depth & 0x7F) + 1)


def _read_jpeg(frame: bytes) -> Codestream:
    at = 2
    while True:
        mark, kind = struct.unpack_from(">BB", frame, at)
        if mark != 0xFF:
            raise struct.error("no marker where one should be")
        if kind == 0xFF:  # fill byte
            at += 1
        elif kind in JPEG_BARE:
            at += 2
        elif kind in JPEG_FRAMES:
            bits, rows, columns = struct.unpack_from(">BHH", frame, at + 4)
            return Codestream((rows, columns), bits)
        else:
            (length,) = struct.unpack_from(">H", frame, at + 2)
            at += 2 + length
