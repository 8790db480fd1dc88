"""No file can do more than be refused, quickly, cheaply and in words."""

import json
import re
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFile
from pydicom.uid import DeflatedExplicitVRLittleEndian
from sklearn.datasets import load_sample_image

from daug.errors import RadiographError
from daug.loading import decoding, load_radiograph
from daug.loading import files as files_module
from tests.daug.loading.dicom_files import BUNDLED, dataset_of, drawn, saved, write_dicom
from tests.daug.loading.test_picture import png_chunk, ramp

LIMIT_MB = 200  # of the whole process, Python and libraries included
DETECTOR = (4300, 4300)  # rows and columns of the largest chest detectors
LOADING = {  # the others are slices, ultrasound, reports, tiny, colored or no images at all
    "image_dfl.dcm",
    "SC_jpeg_no_color_transform.dcm",
    "SC_jpeg_no_color_transform_2.dcm",
    "SC_rgb_jpeg.dcm",
    "SC_rgb_jpeg_app14_dcmd.dcm",
    "SC_rgb_jpeg_dcmd.dcm",
}


@pytest.mark.parametrize(
    "name", sorted(str(f.relative_to(BUNDLED)) for f in BUNDLED.rglob("*") if f.is_file())
)
def test_every_file_of_pydicoms_loads_or_is_refused_in_one_sentence(name: str) -> None:
    path = BUNDLED / name
    if name in LOADING:
        assert np.isfinite(load_radiograph(path).pixels).all()
        return
    with pytest.raises(RadiographError) as refusal:
        load_radiograph(path)
    assert re.fullmatch(rf"{re.escape(path.stem)}.*: [^\n]*\.", str(refusal.value))


def huge_png(folder: Path) -> Path:
    """30,000 x 30,000 pixels in less than a megabyte."""
    count = 30_001 * 30_000
    checksum = struct.pack(">I", (count % 65521) << 16 | 1)  # Adler-32 of so many zeros
    data = b"\x78\x9c" + packed_zeros(count) + checksum
    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 0, 0, 0, 0)
    path = folder / "huge.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", data)
        + png_chunk(b"IEND", b"")
    )
    return path


def rather_large_png(folder: Path) -> Path:
    """Above our own limit, below Pillow's."""
    path = folder / "large.png"
    Image.new("L", (10_000, 8_000)).save(path)
    return path


def deflated_bomb(folder: Path) -> Path:
    """512 MB of pixels in half a megabyte, with the header of a small radiograph."""
    dataset = dataset_of(drawn())
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    path = saved(dataset, folder / "bomb.dcm")
    data = path.read_bytes()
    (group_length,) = struct.unpack_from("<I", data, 140)
    start = 144 + group_length
    inflated = zlib.decompress(data[start:], -zlib.MAX_WBITS)
    at = inflated.index(b"\xe0\x7f\x10\x00")
    beginning = inflated[:at] + b"\xe0\x7f\x10\x00OW\0\0" + struct.pack("<I", 2**29)
    path.write_bytes(data[:start] + packed_zeros(2**29, beginning))
    return path


def packed_zeros(count: int, beginning: bytes = b"") -> bytes:
    """Deflate a beginning and so many zeros, by repeating one packed megabyte of them."""

    def packed(data: bytes) -> bytes:
        packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
        return packer.compress(data) + packer.flush(zlib.Z_FULL_FLUSH)

    megabytes, rest = divmod(count, 2**20)
    last = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS).flush()
    return packed(beginning) + packed(bytes(2**20)) * megabytes + packed(bytes(rest)) + last


def boundless_dicom(folder: Path) -> Path:
    return write_dicom(folder, Rows=65535, Columns=65535)


def cut(make: Callable[[Path], Path], share: float) -> Callable[[Path], Path]:
    def make_and_cut(folder: Path) -> Path:
        path = make(folder)
        data = path.read_bytes()
        path.write_bytes(data[: int(len(data) * share)])
        return path

    return make_and_cut


def picture(suffix: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / f"a.{suffix}"
        noise = np.random.default_rng(0).integers(0, 255, (80, 100), dtype=np.uint8)
        Image.fromarray(ramp() // 2 + noise // 2).save(path)
        return path

    return make


def holding(content: bytes, name: str = "a.png") -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return make


def small_png(folder: Path) -> Path:
    Image.fromarray(ramp()[:63]).save(folder / "a.png")
    return folder / "a.png"


def constant_dicom(folder: Path) -> Path:
    return write_dicom(folder, np.full((80, 80), 7, dtype=np.uint16))


def constant(mode: str, suffix: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        pixels = np.full((80, 100), 7, dtype={"I;16": "<u2", "F": "<f4"}.get(mode, "u1"))
        image = Image.fromarray(pixels)
        (image.convert(mode) if mode == "RGB" else image).save(folder / f"a.{suffix}")
        return folder / f"a.{suffix}"

    return make


def photograph(columns: int, rows: int, suffix: str, mode: str = "RGB") -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        image = Image.fromarray(load_sample_image("china.jpg")).resize((columns, rows))
        options: dict[str, Any] = {"compress_level": 1} if suffix == "png" else {}
        image.convert(mode).save(folder / f"a.{suffix}", **options)
        return folder / f"a.{suffix}"

    return make


def of_a_detector(**elements: Any) -> Callable[[Path], Path]:
    """A radiograph in the size of the largest detectors, its values those of a ramp."""

    def make(folder: Path) -> Path:
        values = np.arange(DETECTOR[1], dtype=np.uint16) % 4000
        return write_dicom(folder, np.tile(values, (DETECTOR[0], 1)), **elements)

    return make


def constant_detector(folder: Path) -> Path:
    return write_dicom(folder, np.full(DETECTOR, 7, dtype=np.uint16))


def constant_detector_png(folder: Path) -> Path:
    Image.fromarray(np.full(DETECTOR, 7, dtype=np.uint8)).save(folder / "a.png")
    return folder / "a.png"


HOSTILE: dict[str, tuple[Callable[[Path], Path], str]] = {
    "not there": (lambda folder: folder / "gone.png", "cannot be opened.*Check"),
    "a folder": (lambda folder: folder, "cannot be opened"),
    "empty": (holding(b""), "is empty.*Copy"),
    "one byte": (holding(b"\x89"), "not an image"),
    "text": (holding(b"<html>not a radiograph</html>" * 50), "not an image"),
    "a zip": (holding(b"PK\x03\x04" + bytes(500)), "not an image"),
    "DICM and nothing else": (holding(bytes(128) + b"DICM"), "DICOM"),
    "DICM and noise": (holding(bytes(128) + b"DICM" + bytes(range(256)) * 9), "DICOM"),
    "DICOM without its header": (
        holding(b"\x08\x00\x05\x00\x0a\x00\x00\x00ISO_IR 100" + bytes(200)),
        "without the file header",
    ),
    "a PNG's beginning": (holding(b"\x89PNG\r\n\x1a\n"), "not an image|damaged"),
    "a PNG cut": (cut(picture("png"), 0.7), "damaged or incomplete"),
    "a JPEG cut": (cut(picture("jpg"), 0.7), "damaged or incomplete"),
    "a TIFF cut": (cut(picture("tif"), 0.7), "damaged or incomplete|not an image"),
    "a DICOM cut in its pixels": (cut(write_dicom, 0.7), "cannot be decoded"),
    "a DICOM cut in its header": (cut(write_dicom, 0.015), "no image|damaged"),
    "too few pixels": (lambda folder: write_dicom(folder, Rows=90), "cannot be decoded"),
    "too many columns": (lambda folder: write_dicom(folder, Columns=101), "cannot be decoded"),
    "too few columns": (
        lambda folder: write_dicom(folder, Columns=99),
        "16000 bytes of pixels, but its header describes 15840",
    ),
    "too few rows": (lambda folder: write_dicom(folder, Rows=70), "rows, columns or bits"),
    "half the bits": (
        lambda folder: write_dicom(folder, BitsAllocated=8, BitsStored=8, HighBit=7),
        "rows, columns or bits",
    ),
    "more frames than stated": (
        lambda folder: write_dicom(folder, np.stack([drawn()] * 3)),
        "rows, columns or bits",
    ),
    "no pixels": (lambda folder: write_dicom(folder, PixelData=b""), "holds no pixels"),
    "no rows": (lambda folder: write_dicom(folder, Rows=None), "no image"),
    "32 bits": (lambda folder: write_dicom(folder, BitsAllocated=32, BitsStored=32), "32 bits"),
    "more bits stored than there are": (
        lambda folder: write_dicom(folder, BitsStored=17),
        "cannot be decoded",
    ),
    "a strange color": (
        lambda folder: write_dicom(folder, PhotometricInterpretation="CMYK"),
        "does not say that its pixels are gray",
    ),
    "CT": (lambda folder: write_dicom(folder, Modality="CT"), "a CT image"),
    "MR": (lambda folder: write_dicom(folder, Modality="MR"), "an MR image"),
    "US": (lambda folder: write_dicom(folder, Modality="US"), "an ultrasound image"),
    "63 rows": (lambda folder: write_dicom(folder, drawn()[:63]), "63 x 100.*at least 64"),
    "a PNG of 63 rows": (small_png, "63 x 100.*at least 64"),
    "a constant DICOM": (constant_dicom, "every pixel has the same value"),
    "a constant PNG": (constant("L", "png"), "every pixel has the same value"),
    "a constant 16-bit PNG": (constant("I;16", "png"), "every pixel has the same value"),
    "a constant color JPEG": (constant("RGB", "jpg"), "every pixel has the same value"),
    "a constant float TIFF": (constant("F", "tif"), "every pixel has the same value"),
    "several frames": (
        lambda folder: write_dicom(folder, np.stack([drawn()] * 3), NumberOfFrames=3),
        r"3 images.*Choose a frame from 1 to 3 \(--frame",
    ),
    "a telephone's photograph": (photograph(6000, 4000, "jpg"), "color picture"),
    "a photograph as PNG": (photograph(4000, 3000, "png"), "color picture"),
    "a photograph in CMYK": (photograph(4000, 3000, "jpg", "CMYK"), "color picture"),
    "a small photograph": (photograph(640, 427, "tif"), "color picture"),
    "65,535 x 65,535 pixels stated": (boundless_dicom, "65535 x 65535 pixels.*at most 60 million"),
    "30,000 x 30,000 PNG": (huge_png, "more pixels than a radiograph"),
    "10,000 x 8,000 PNG": (rather_large_png, "8000 x 10000 pixels.*at most 60 million"),
    "deflated bomb": (deflated_bomb, "grows beyond"),
}


# For the memory alone; what is said of them is tested on small ones above.
LARGE = (
    of_a_detector(Modality="CT"),
    of_a_detector(Columns=4200),
    cut(of_a_detector(), 0.7),
    constant_detector,
    constant_detector_png,
    photograph(4600, 3450, "png"),
)


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_or_broken_file_is_refused_in_one_line_of_words(
    tmp_path: Path, case: str
) -> None:
    make, words = HOSTILE[case]
    path = make(tmp_path)
    with pytest.raises(RadiographError, match=words) as refusal:
        load_radiograph(path)
    assert re.fullmatch(rf"{re.escape(path.name)}: [^\n]+\.", str(refusal.value))
    assert str(tmp_path.parent) not in str(refusal.value)


REFUSED_FROM_THE_HEADER = (
    "CT",
    "MR",
    "US",
    "several frames",
    "63 rows",
    "a PNG of 63 rows",
    "no rows",
    "no pixels",
    "too few columns",
    "32 bits",
    "a strange color",
    "65,535 x 65,535 pixels stated",
    "30,000 x 30,000 PNG",
    "10,000 x 8,000 PNG",
    "deflated bomb",
)


@pytest.mark.parametrize("case", REFUSED_FROM_THE_HEADER)
def test_what_the_header_gives_away_is_refused_before_a_pixel_is_decoded(
    tmp_path: Path, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the time it takes does not hang on the size of the image."""
    decoders: list[str] = []

    def watched(holder: Any, name: str) -> None:
        original = getattr(holder, name)

        def noted(*words: Any, **more: Any) -> Any:
            decoders.append(name)
            return original(*words, **more)

        monkeypatch.setattr(holder, name, noted)

    for holder, name in (
        (decoding, "pixel_array"),
        (decoding, "decode_12_bits"),
        (ImageFile.ImageFile, "load"),
        (Image.Image, "convert"),
    ):
        watched(holder, name)
    with pytest.raises(RadiographError):
        load_radiograph(HOSTILE[case][0](tmp_path))
    assert decoders == []
    load_radiograph(write_dicom(tmp_path))
    load_radiograph(picture("png")(tmp_path))
    assert {"pixel_array", "load"} <= {*decoders}  # the watch works


def test_of_a_deflated_bomb_no_more_is_inflated_than_a_radiograph_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inflated: list[int] = []
    original = zlib.decompressobj

    class Counting:
        def __init__(self, *words: Any) -> None:
            self.inflater = original(*words)

        def decompress(self, *words: Any) -> bytes:
            data = self.inflater.decompress(*words)
            inflated.append(len(data))
            return data

        def __getattr__(self, name: str) -> Any:
            return getattr(self.inflater, name)

    path = deflated_bomb(tmp_path)
    monkeypatch.setattr(zlib, "decompressobj", Counting)
    with pytest.raises(RadiographError, match="grows beyond"):
        load_radiograph(path)
    assert 0 < sum(inflated) <= decoding.MAX_INFLATED_BYTES + decoding.INFLATE_STEP
    assert max(inflated) <= decoding.INFLATE_STEP


PEAKS = """
import json, re, sys
from pathlib import Path
from daug.errors import RadiographError
from daug.loading import load_radiograph
for name in sys.argv[1:]:
    try:
        load_radiograph(Path(name))
    except RadiographError:
        (kilobytes,) = re.findall(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())
        print(json.dumps([name, int(kilobytes) / 1024]))
"""


def test_no_refusal_fills_the_memory(tmp_path: Path) -> None:
    """Measured in a process of its own, since a peak is never seen to shrink."""
    if not Path("/proc/self/status").exists():
        pytest.skip("this system does not tell the peak of a process's memory")
    paths = []
    for number, make in enumerate((*(make for make, _ in HOSTILE.values()), *LARGE)):
        folder = tmp_path / str(number)
        folder.mkdir()
        paths.append(make(folder))
    done = subprocess.run(
        [sys.executable, "-c", PEAKS, *map(str, paths)], capture_output=True, text=True, check=True
    )
    peaks = dict(map(json.loads, done.stdout.splitlines()))
    assert [*peaks] == [str(path) for path in paths]
    assert {path: peak for path, peak in peaks.items() if peak > LIMIT_MB} == {}


def test_a_file_too_large_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files_module, "MAX_FILE_BYTES", 100)
    with pytest.raises(RadiographError, match="MB are read"):
        load_radiograph(write_dicom(tmp_path))


def test_a_deflated_radiograph_of_sane_size_loads(tmp_path: Path) -> None:
    dataset = dataset_of(drawn())
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    deflated = load_radiograph(saved(dataset, tmp_path / "a.dcm"))
    assert deflated.digest == load_radiograph(write_dicom(tmp_path)).digest


@pytest.mark.parametrize("seed", range(4))
def test_random_damage_never_ends_in_anything_but_a_refusal(tmp_path: Path, seed: int) -> None:
    """A few of the twenty thousand damaged files that were tried when this was written."""
    random = np.random.default_rng(seed)
    originals = [
        write_dicom(tmp_path, WindowCenter=2000, WindowWidth=4000, PatientID="1").read_bytes(),
        (BUNDLED / "image_dfl.dcm").read_bytes(),
        (BUNDLED / "SC_rgb_jpeg.dcm").read_bytes(),
        *(picture(suffix)(tmp_path).read_bytes() for suffix in ("png", "jpg", "tif")),
    ]
    path = tmp_path / "damaged"
    for _ in range(60):
        data = bytearray(originals[random.integers(len(originals))])
        for at in random.integers(0, min(len(data), 2500), random.integers(1, 6)):
            data[at] = random.integers(256)
        path.write_bytes(bytes(data))
        try:
            load_radiograph(path, identity_key=b"key")
        except RadiographError:
            continue
