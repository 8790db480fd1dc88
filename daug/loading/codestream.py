"""How large a compressed frame says it is, before anything is decoded.

A file may state 64 x 64 pixels outside and 60,000 x 60,000 inside; a decoder believes the
inside and asks for the memory.
"""

import struct

J2K_START = b"\xff\x4f\xff\x51"  # SOC and SIZ, ISO/IEC 15444-1 A.4 and A.5; also HTJ2K
JPEG_START = b"\xff\xd8"  # ITU-T T.81; also JPEG-LS
# Start-of-frame markers: all of C0 to CF but DHT, JPG and DAC; F7 is JPEG-LS's
JPEG_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC} | {0xF7}
JPEG_BARE = {0x01, *range(0xD0, 0xD9)}  # markers that have no length


def codestream_shape(frame: bytes) -> tuple[int, int] | None:
    """Return rows and columns of a JPEG, JPEG-LS or JPEG 2000 frame, None for anything else.

    Raises:
        struct.error: The stream ends before it says its size.
    """
    if frame.startswith(JPEG_START):
        return _jpeg_shape(frame)
    start = frame.find(J2K_START, 0, 4096)  # some files wrap the stream in JP2 boxes
    if start < 0:
        return None
    right, bottom, left, top = struct.unpack_from(">4I", frame, start + 8)
    return bottom - top, right - left


def _jpeg_shape(frame: bytes) -> tuple[int, int]:
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
            rows, columns = struct.unpack_from(">HH", frame, at + 5)
            return rows, columns
        else:
            (length,) = struct.unpack_from(">H", frame, at + 2)
            at += 2 + length
