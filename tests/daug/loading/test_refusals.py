"""No file can do more than be refused, quickly, cheaply and in words."""

import re
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.uid import DeflatedExplicitVRLittleEndian

from daug.errors import RadiographError
from daug.loading import files as files_module
from daug.loading import load_radiograph
from tests.daug.loading.dicom_files import BUNDLED, dataset_of, drawn, saved, write_dicom
from tests.daug.loading.test_picture import png_chunk, ramp

LIMIT_SECONDS, LIMIT_MB = 1.0, 200
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
    "65,535 x 65,535 pixels stated": (boundless_dicom, "65535 x 65535 pixels.*at most 60 million"),
    "30,000 x 30,000 PNG": (huge_png, "more pixels than a radiograph"),
    "10,000 x 8,000 PNG": (rather_large_png, "8000 x 10000 pixels.*at most 60 million"),
    "deflated bomb": (deflated_bomb, "grows beyond"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_or_broken_file_is_refused_in_words_within_a_second(
    tmp_path: Path, case: str
) -> None:
    make, words = HOSTILE[case]
    path = make(tmp_path)
    start = time.process_time()  # a busy machine must not fail the test
    with pytest.raises(RadiographError, match=words):
        load_radiograph(path)
    assert time.process_time() - start < LIMIT_SECONDS


@pytest.mark.parametrize(
    "case", ["30,000 x 30,000 PNG", "deflated bomb", "65,535 x 65,535 pixels stated"]
)
def test_a_bomb_does_not_fill_the_memory(tmp_path: Path, case: str) -> None:
    """Measured in a process of its own, since a peak is never seen to shrink."""
    if not Path("/proc/self/status").exists():
        pytest.skip("this system does not tell the peak of a process's memory")
    path = HOSTILE[case][0](tmp_path)
    program = (
        "import sys; from pathlib import Path\n"
        "from daug.errors import RadiographError; from daug.loading import load_radiograph\n"
        "try: load_radiograph(Path(sys.argv[1]))\n"
        "except RadiographError: print(Path('/proc/self/status').read_text())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True
    )
    (peak_kb,) = re.findall(r"VmHWM:\s+(\d+) kB", done.stdout)
    assert int(peak_kb) / 1024 < LIMIT_MB


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
