"""JPEG, PNG and TIFF pictures without what else stands in their files; no pixel is coded anew.

Each format is a list of parts: those that the picture needs are copied byte for byte, all others
are left out, and so is whatever follows the picture's end. The one thing kept from EXIF is which
way is up, since loading turns the picture by it.
"""

import re
import struct
import zlib
from collections.abc import Iterator
from io import BytesIO

from PIL import Image

from daug.errors import RadiographError
from daug.loading.refusal import refused_as

SUFFIXES = {"JPEG": "jpg", "PNG": "png", "TIFF": "tif"}
ORIENTATION = 274  # EXIF and TIFF 6.0
UPRIGHT = 1

JPEG_START, JPEG_END = b"\xff\xd8", b"\xff\xd9"
# frames, tables, restart interval, number of lines, hierarchical parts; of the application
# segments only JFIF's and Adobe's, which say how colors are coded
JPEG_KEPT = {*range(0xC0, 0xD0), 0xDA, 0xDB, 0xDC, 0xDD, 0xDE, 0xDF}
JFIF_BYTES, ADOBE_BYTES = 14, 12  # what is left of them without a thumbnail
SCAN_END = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")

PNG_START = b"\x89PNG\r\n\x1a\n"
PNG_KEPT = {b"IHDR", b"PLTE", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"sBIT", b"IDAT", b"IEND"}

# TIFF 6.0 and its supplements: all that says how the pixels are coded
TIFF_KEPT = {
    *(256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 280, 281, 284, 292, 293, 317),
    *(320, 322, 323, 324, 325, 332, 338, 339, 340, 341, 347, 529, 530, 531, 532),
}
TIFF_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
TIFF_PLACES = {273: 279, 324: 325}  # where strips and tiles lie: how long they are
TIFF_LONG = 4


def stripped_picture(name: str, content: bytes) -> tuple[str, bytes]:
    """Return a picture's format and the picture without anything else.

    Raises:
        RadiographError: If the file is damaged or cannot be taken apart.
    """
    with refused_as(f"{name}: the picture is damaged, so what else stands in it cannot be removed"):
        if content.startswith(JPEG_START):
            return "JPEG", b"".join(_jpeg(name, content))
        if content.startswith(PNG_START):
            return "PNG", b"".join(_png(name, content))
        if content[:4] in {b"II*\0", b"MM\0*"}:
            return "TIFF", _tiff(name, content)
    raise RadiographError(
        f"{name}: pictures of this kind cannot be freed of names and dates. Save it as a PNG."
    )


def _damaged(name: str) -> RadiographError:
    return RadiographError(
        f"{name}: the picture ends too early, so what else stands in it cannot be removed. "
        "Copy it again from its source."
    )


def _orientation(content: bytes) -> int:
    with Image.open(BytesIO(content), formats=("JPEG", "PNG")) as picture:
        return int(picture.getexif().get(ORIENTATION, UPRIGHT))


def _exif(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return bytes(exif.tobytes())


def _jpeg(name: str, content: bytes) -> Iterator[bytes]:
    """Yield the parts of a JPEG that its picture needs. Source: ITU T.81 annex B."""
    yield JPEG_START
    orientation = _orientation(content)
    at, waiting = 2, orientation != UPRIGHT
    while content[at : at + 2] != JPEG_END:
        while content[at : at + 2] == b"\xff\xff":  # fill bytes
            at += 1
        if at + 4 > len(content) or content[at] != 0xFF:
            raise _damaged(name)
        marker = content[at + 1]
        end = at + 2 + int.from_bytes(content[at + 2 : at + 4], "big")
        segment = content[at:end]
        if marker == 0xDA:  # the scan's coded pixels follow its header
            found = SCAN_END.search(content, end)
            if found is None:
                raise _damaged(name)
            end = found.start()
            segment = content[at:end]
        if marker == 0xE0 and segment[4:9] == b"JFIF\0":
            segment = segment[: 2 + JFIF_BYTES] + b"\0\0"  # a thumbnail of 0 x 0
            yield segment[:2] + struct.pack(">H", JFIF_BYTES + 2) + segment[4:]
        elif waiting:
            payload = _exif(orientation)
            yield b"\xff\xe1" + struct.pack(">H", len(payload) + 2) + payload
            waiting = False
            continue  # the same segment again, now behind the orientation
        elif marker == 0xEE and segment[4:9] == b"Adobe":
            yield segment[:2] + struct.pack(">H", ADOBE_BYTES + 2) + segment[4 : 4 + ADOBE_BYTES]
        elif marker in JPEG_KEPT:
            yield segment
        at = end
    yield JPEG_END


def _png(name: str, content: bytes) -> Iterator[bytes]:
    """Yield the chunks of a PNG that its picture needs. Source: PNG 3rd edition, section 5."""
    yield PNG_START
    orientation = _orientation(content)
    at, kind = len(PNG_START), b""
    while kind != b"IEND":
        if at + 12 > len(content):
            raise _damaged(name)
        end = at + 12 + int.from_bytes(content[at : at + 4], "big")
        kind = content[at + 4 : at + 8]
        if kind in PNG_KEPT:
            yield content[at:end]
        if kind == b"IHDR" and orientation != UPRIGHT:
            body = b"eXIf" + _exif(orientation).removeprefix(b"Exif\0\0")
            yield struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
        at = end


def _tiff(name: str, content: bytes) -> bytes:
    """Return a TIFF of one page with the strips or tiles as they are. Source: TIFF 6.0, part 1."""
    order = "<" if content.startswith(b"II") else ">"
    entries = dict(_tiff_entries(order, content))
    places = [tag for tag in TIFF_PLACES if tag in entries and TIFF_PLACES[tag] in entries]
    if len(places) != 1:
        raise RadiographError(
            f"{name}: this kind of TIFF cannot be freed of names and dates. Save it as a PNG."
        )
    lengths = _numbers(order, *entries[TIFF_PLACES[places[0]]])
    starts = _numbers(order, *entries[places[0]])
    strips = [content[s : s + n] for s, n in zip(starts, lengths, strict=True)]
    if any(len(strip) != n for strip, n in zip(strips, lengths, strict=True)):
        raise _damaged(name)
    out = BytesIO(struct.pack(f"{order}2sHI", content[:2], 42, 0))
    out.seek(8)
    new_starts = []
    for strip in strips:
        new_starts.append(out.tell())
        out.write(strip + b"\0" * (len(strip) % 2))
    entries[places[0]] = (TIFF_LONG, struct.pack(f"{order}{len(strips)}I", *new_starts))
    table = []
    for tag, (kind, data) in sorted(entries.items()):
        value = data.ljust(4, b"\0")
        if len(data) > 4:
            value = struct.pack(f"{order}I", out.tell())
            out.write(data + b"\0" * (len(data) % 2))
        table.append(struct.pack(f"{order}HHI", tag, kind, len(data) // TIFF_SIZES[kind]) + value)
    directory = out.tell()
    out.write(struct.pack(f"{order}H", len(table)) + b"".join(table) + b"\0\0\0\0")
    out.seek(4)
    out.write(struct.pack(f"{order}I", directory))
    return out.getvalue()


def _tiff_entries(order: str, content: bytes) -> Iterator[tuple[int, tuple[int, bytes]]]:
    """Yield the kept entries of the first page: tag, kind of value, value as bytes."""
    (at,) = struct.unpack_from(f"{order}I", content, 4)
    (count,) = struct.unpack_from(f"{order}H", content, at)
    for index in range(count):
        place = at + 2 + 12 * index
        tag, kind, number = struct.unpack_from(f"{order}HHI", content, place)
        if tag not in TIFF_KEPT or kind not in TIFF_SIZES:
            continue
        size = number * TIFF_SIZES[kind]
        start = place + 8
        if size > 4:
            (start,) = struct.unpack_from(f"{order}I", content, start)
        data = content[start : start + size]
        if len(data) == size:
            yield tag, (kind, data)


def _numbers(order: str, kind: int, data: bytes) -> list[int]:
    letter = {1: "B", 3: "H", 4: "I"}[kind]
    return list(struct.unpack(f"{order}{len(data) // TIFF_SIZES[kind]}{letter}", data))
