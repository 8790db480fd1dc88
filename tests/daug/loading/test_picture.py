import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_sample_image

from daug.errors import RadiographError
from daug.loading import load_radiograph
from daug.loading.color import MAX_COLOR, color_amount
from daug.radiograph import Pseudonym, SideMarking
from daug.view import View

EXIF_ORIENTATION = 0x0112


def ramp() -> NDArray[np.uint8]:
    """80 x 100, dark at the left, a bright spot at the top left to tell up from down."""
    pixels = np.repeat(np.linspace(0, 255, 100)[None], 80, axis=0).astype(np.uint8)
    pixels[:8, :8] = 255
    return pixels


def shown(pixels: NDArray[Any]) -> NDArray[np.float32]:
    """What 8-bit pixels must come out as."""
    return pixels.astype(np.float32) / 127.5 - 1


def write(path: Path, picture: Image.Image, **options: Any) -> Path:
    picture.save(path, **options)
    return path


@pytest.mark.parametrize("suffix", ["png", "tif", "jpg"])
def test_plain_gray_pictures_keep_their_values(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / f"chest.{suffix}", Image.fromarray(ramp()))
    with Image.open(path) as picture:
        decoded = np.asarray(picture)
    radiograph = load_radiograph(path)
    np.testing.assert_array_equal(radiograph.pixels, shown(decoded))
    assert radiograph.source_name == "chest"
    assert radiograph.side is SideMarking.UNKNOWN
    assert radiograph.view is View.UNKNOWN
    assert radiograph.spacing is None
    assert radiograph.pseudonym == Pseudonym()
    assert radiograph.warnings == ()


def test_a_picture_is_known_by_its_content_not_its_name(tmp_path: Path) -> None:
    path = write(tmp_path / "chest.dcm", Image.fromarray(ramp()), format="PNG")
    np.testing.assert_array_equal(load_radiograph(path).pixels, shown(ramp()))


GRAY = Image.fromarray(ramp())


@pytest.mark.parametrize(
    "picture",
    [
        GRAY.convert("RGB"),
        GRAY.convert("RGBA"),
        GRAY.convert("LA"),
        GRAY.convert("P"),
        GRAY.convert("RGB").quantize(256, dither=Image.Dither.NONE),
    ],
    ids=lambda picture: str(picture.mode),
)
def test_gray_in_any_guise_is_the_same_gray(tmp_path: Path, picture: Image.Image) -> None:
    expected = np.asarray(picture.convert("RGB"))[..., 0]
    loaded = load_radiograph(write(tmp_path / "a.png", picture)).pixels
    np.testing.assert_array_equal(loaded, shown(expected))


def test_a_cmyk_jpeg_is_not_inverted(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jpg", GRAY.convert("RGB").convert("CMYK"), quality=95)
    np.testing.assert_allclose(load_radiograph(path).pixels[20:], shown(ramp())[20:], atol=0.05)


def test_what_is_transparent_is_black(tmp_path: Path) -> None:
    alpha = np.full((80, 100), 255, dtype=np.uint8)
    alpha[40:], alpha[20:40] = 0, 51
    pixels = np.dstack([ramp(), ramp(), ramp(), alpha])
    loaded = load_radiograph(write(tmp_path / "a.png", Image.fromarray(pixels))).pixels
    np.testing.assert_array_equal(loaded[:20], shown(ramp())[:20])
    np.testing.assert_allclose(loaded[20:40], ramp()[20:40] / 5 / 127.5 - 1, atol=1e-6)
    assert (loaded[40:] == -1).all()


TURNS: dict[int, Callable[[NDArray[Any]], NDArray[Any]]] = {
    1: lambda p: p,
    2: np.fliplr,
    3: lambda p: p[::-1, ::-1],
    4: np.flipud,
    5: np.transpose,
    6: lambda p: np.rot90(p, -1),
    7: lambda p: p[::-1, ::-1].T,
    8: np.rot90,
}


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_a_turned_camera_is_turned_back(tmp_path: Path, orientation: int, suffix: str) -> None:
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = orientation
    path = write(tmp_path / f"a.{suffix}", GRAY, exif=exif)
    np.testing.assert_array_equal(load_radiograph(path).pixels, shown(TURNS[orientation](ramp())))


def test_a_turned_jpeg_is_turned_back(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = 6
    path = write(tmp_path / "a.jpg", GRAY, exif=exif)
    np.testing.assert_allclose(load_radiograph(path).pixels, shown(np.rot90(ramp(), -1)), atol=0.15)


DEEP = np.arange(8000, dtype=np.uint16).reshape(80, 100) * 2 + 20_000


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_16_bits_are_kept_and_spread(tmp_path: Path, suffix: str, channels: int) -> None:
    pixels = DEEP if channels == 1 else np.dstack([DEEP] * channels)
    if channels == 4:
        pixels[..., 3] = 65535
    path = tmp_path / f"a.{suffix}"
    assert cv2.imwrite(str(path), pixels)
    loaded = load_radiograph(path).pixels
    assert len(np.unique(loaded)) > 7900  # through 8 bits there would be 63
    low, high = np.percentile(DEEP, (0.5, 99.5))
    expected = ((DEEP - low) / (high - low) * 2 - 1).clip(-1, 1)
    np.testing.assert_allclose(loaded, expected, rtol=0, atol=1e-4)


def test_a_big_endian_tiff_shows_what_a_little_endian_one_shows(tmp_path: Path) -> None:
    little = write(tmp_path / "a.tif", Image.fromarray(DEEP))
    swapped = Image.frombytes("I;16B", DEEP.shape[::-1], DEEP.astype(">u2").tobytes())
    big = write(tmp_path / "b.tif", swapped)
    assert big.read_bytes()[:2] == b"MM"
    np.testing.assert_array_equal(load_radiograph(big).pixels, load_radiograph(little).pixels)
    flat = np.full_like(DEEP, 7).astype(">u2").tobytes()
    write(big, Image.frombytes("I;16B", DEEP.shape[::-1], flat))
    with pytest.raises(RadiographError, match="same value"):
        load_radiograph(big)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_a_tint_of_16_bits_is_weighed_as_eyes_weigh_it(tmp_path: Path, suffix: str) -> None:
    random = np.random.default_rng(0)
    red, green, blue = (DEEP + random.integers(0, 2000, DEEP.shape, np.uint16) for _ in "RGB")
    path = tmp_path / f"a.{suffix}"
    assert cv2.imwrite(str(path), np.dstack([blue, green, red]))
    gray = 0.299 * red + 0.587 * green + 0.114 * blue
    low, high = np.percentile(gray, (0.5, 99.5))
    expected = ((gray - low) / (high - low) * 2 - 1).clip(-1, 1)
    np.testing.assert_allclose(load_radiograph(path).pixels, expected, rtol=0, atol=1e-3)


@pytest.mark.parametrize("orientation", [3, 6, 8])
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_a_deep_color_picture_is_turned_like_a_shallow_one(
    tmp_path: Path, orientation: int, suffix: str
) -> None:
    plain = tmp_path / f"a.{suffix}"
    assert cv2.imwrite(str(plain), np.dstack([DEEP] * 3))
    upright = load_radiograph(plain).pixels
    turned = tmp_path / f"b.{suffix}"
    turned.write_bytes(with_orientation(plain.read_bytes(), orientation))
    np.testing.assert_array_equal(load_radiograph(turned).pixels, TURNS[orientation](upright))


def with_orientation(data: bytes, orientation: int) -> bytes:
    """Add EXIF to a PNG, or the orientation to the end of a little-endian TIFF's directory."""
    if data.startswith(b"\x89PNG"):
        exif = Image.Exif()
        exif[EXIF_ORIENTATION] = orientation
        return data[:33] + png_chunk(b"eXIf", exif.tobytes()[6:]) + data[33:]
    (at,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, at)
    entries = [data[at + 2 + 12 * i : at + 14 + 12 * i] for i in range(count)]
    entries = [entry for entry in entries if entry[:2] != struct.pack("<H", 274)]
    entries.append(struct.pack("<HHIHH", 274, 3, 1, orientation, 0))
    entries.sort(key=lambda entry: int.from_bytes(entry[:2], "little"))
    directory = struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4)
    return data[:4] + struct.pack("<I", len(data)) + data[8:] + directory


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def test_a_tiff_whose_zero_is_white_is_inverted(tmp_path: Path) -> None:
    white_is_zero = {262: 0}
    path = write(tmp_path / "a.tif", Image.fromarray(DEEP), tiffinfo=white_is_zero)
    plain = write(tmp_path / "b.tif", Image.fromarray(DEEP))
    np.testing.assert_array_equal(load_radiograph(path).pixels, -load_radiograph(plain).pixels)


def test_floating_point_pictures_must_be_finite(tmp_path: Path) -> None:
    pixels = DEEP.astype(np.float32)
    assert len(np.unique(load_radiograph(float_tiff(tmp_path, pixels)).pixels)) > 7900
    pixels[3, 3] = np.nan
    with pytest.raises(RadiographError, match="infinite or not a number"):
        load_radiograph(float_tiff(tmp_path, pixels))


def float_tiff(folder: Path, pixels: NDArray[np.float32]) -> Path:
    return write(folder / "a.tif", Image.fromarray(pixels))


def test_photographs_are_told_from_tinted_film() -> None:
    """The threshold lies between, with a margin on either side."""
    gray = ramp().astype(np.float32)
    for tint in ((0.85, 0.95, 1.0), (1.0, 0.9, 0.7)):  # blue base, yellowed
        film = np.dstack([gray * share for share in tint]).astype(np.uint8)
        assert color_amount(film) < MAX_COLOR
    for photograph in ("china.jpg", "flower.jpg"):
        assert color_amount(load_sample_image(photograph)) > 1.25 * MAX_COLOR


@pytest.mark.parametrize("photograph", ["china.jpg", "flower.jpg"])
def test_a_color_photograph_is_refused(tmp_path: Path, photograph: str) -> None:
    path = write(tmp_path / "a.jpg", Image.fromarray(load_sample_image(photograph)))
    with pytest.raises(RadiographError, match=r"color picture.*a radiograph is gray.*Open"):
        load_radiograph(path)


def test_a_small_colored_mark_does_not_make_a_photograph(tmp_path: Path) -> None:
    pixels = np.dstack([ramp()] * 3)
    pixels[60:64, 40:60] = (255, 0, 0)
    assert load_radiograph(write(tmp_path / "a.png", Image.fromarray(pixels))).pixels.std() > 0


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_several_images_in_a_file_want_a_choice(tmp_path: Path, suffix: str) -> None:
    images = [Image.fromarray(ramp() // share) for share in (1, 2, 4)]
    path = write(tmp_path / f"a.{suffix}", images[0], save_all=True, append_images=images[1:])
    with pytest.raises(RadiographError, match=r"3 images.*Choose a frame from 1 to 3"):
        load_radiograph(path)
    np.testing.assert_array_equal(load_radiograph(path, frame=2).pixels, shown(ramp() // 2))
    with pytest.raises(RadiographError, match="no frame 4"):
        load_radiograph(path, frame=4)


def test_black_and_white_without_gray_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RadiographError, match="shades of gray"):
        load_radiograph(write(tmp_path / "a.png", GRAY.convert("1")))


@pytest.mark.parametrize("kind", ["GIF", "BMP", "WEBP", "PPM", "PDF"])
def test_formats_that_no_radiograph_comes_in_are_refused(tmp_path: Path, kind: str) -> None:
    data = io.BytesIO()
    GRAY.save(data, kind)
    (tmp_path / "a.png").write_bytes(data.getvalue())
    with pytest.raises(RadiographError, match="DICOM, PNG, JPEG or TIFF"):
        load_radiograph(tmp_path / "a.png")
