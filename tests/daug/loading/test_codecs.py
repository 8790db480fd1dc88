from pathlib import Path

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels.utils import pixel_array
from pydicom.uid import HTJ2K, UID, HTJ2KLossless, HTJ2KLosslessRPCL, JPEGExtended12Bit, RLELossless

from daug.errors import RadiographError
from daug.loading import load_radiograph
from daug.loading.codestream import read_codestream
from daug.loading.decoding import decoded
from daug.loading.header import read_header
from tests.daug.loading.dicom_files import (
    BUNDLED,
    bundled_as_radiograph,
    dataset_of,
    drawn,
    saved,
)

GOLDEN = Path(__file__).parents[2] / "golden"

# What each file of pydicom's was compressed from, where pydicom brings that along.
ORIGINALS = {
    "MR_small_RLE.dcm": "MR_small.dcm",
    "MR_small_jp2klossless.dcm": "MR_small.dcm",
    "MR_small_jpeg_ls_lossless.dcm": "MR_small.dcm",
    "MR_small_bigendian.dcm": "MR_small.dcm",
    "MR_small_expb.dcm": "MR_small.dcm",
    "MR_small_implicit.dcm": "MR_small.dcm",
    "MR_small_padded.dcm": "MR_small.dcm",
}
LOSSY = {  # transfer syntax and a value known from pydicom's own tests of its decoders
    "JPEGLSNearLossless_08.dcm": "JPEG-LS",
    "JPEGLSNearLossless_16.dcm": "JPEG-LS",
    "JPEG2000.dcm": "JPEG 2000",
    "693_J2KI.dcm": "JPEG 2000",
    "J2K_pixelrep_mismatch.dcm": "JPEG 2000",
    "image_dfl.dcm": "Deflated",
    "SC_jpeg_no_color_transform.dcm": "JPEG Baseline",
}


@pytest.mark.parametrize(("name", "original"), ORIGINALS.items())
def test_lossless_compression_and_byte_order_leave_no_trace(
    tmp_path: Path, name: str, original: str
) -> None:
    bundled_as_radiograph(name, tmp_path / "a.dcm")
    bundled_as_radiograph(original, tmp_path / "b.dcm")
    first, second = load_radiograph(tmp_path / "a.dcm"), load_radiograph(tmp_path / "b.dcm")
    assert first.digest == second.digest
    assert first.pixels.std() > 0.1


@pytest.mark.parametrize(("name", "syntax"), LOSSY.items())
def test_every_common_compression_decodes(tmp_path: Path, name: str, syntax: str) -> None:
    path = tmp_path / "a.dcm"
    dataset = bundled_as_radiograph(name, path)
    assert syntax in dataset.file_meta.TransferSyntaxUID.name
    pixels = decoded(path, read_header(path), 0)
    if pixels.shape == pixel_array(dataset).shape:
        np.testing.assert_array_equal(pixels, pixel_array(dataset))
    assert pixels.std() > 0


@pytest.mark.parametrize("samples", [np.uint8, np.uint16])
def test_lossless_jpeg_the_commonest_of_archives_decodes(
    tmp_path: Path, samples: type[np.generic]
) -> None:
    gdcm = pytest.importorskip("gdcm")
    plain, packed = tmp_path / "plain.dcm", tmp_path / "packed.dcm"
    bundled_as_radiograph("CT_small.dcm" if samples is np.uint16 else "image_dfl.dcm", plain)
    reader = gdcm.ImageReader()
    reader.SetFileName(str(plain))
    assert reader.Read()
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGLosslessProcess14_1))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer = gdcm.ImageWriter()
    writer.SetFileName(str(packed))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()
    assert read_meta(packed) == "1.2.840.10008.1.2.4.70"
    assert load_radiograph(packed).digest == load_radiograph(plain).digest


def read_meta(path: Path) -> str:
    return str(pydicom.dcmread(path, stop_before_pixels=True).file_meta.TransferSyntaxUID)


def wave() -> NDArray[np.uint16]:
    """What the golden streams hold, see `tests/golden/README.md`."""
    rows, columns = np.mgrid[0:80, 0:100]
    levels = 2047.5 + 2000 * np.sin(rows / 9) * np.cos(columns / 13)
    return np.asarray(levels.round(), dtype=np.uint16)


def encapsulated(stream: bytes, syntax: str, **elements: object) -> Dataset:
    """A radiograph of the wave whose pixels are this stream."""
    dataset = dataset_of(wave(), **elements)
    dataset.PixelData = encapsulate([stream])
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    return dataset


@pytest.mark.parametrize("syntax", [HTJ2KLossless, HTJ2KLosslessRPCL, HTJ2K])
def test_high_throughput_jpeg_2000_decodes_to_the_very_values(tmp_path: Path, syntax: str) -> None:
    stream = (GOLDEN / "wave_htj2k.j2c").read_bytes()
    path = saved(encapsulated(stream, syntax), tmp_path / "a.dcm")
    np.testing.assert_array_equal(decoded(path, read_header(path), 0), wave())


def test_extended_jpeg_keeps_its_twelve_bits(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    stream = (GOLDEN / "wave_12_bits.jpg").read_bytes()
    path = saved(encapsulated(stream, JPEGExtended12Bit), tmp_path / "a.dcm")
    pixels = decoded(path, read_header(path), 0)
    assert np.abs(pixels.astype(int) - wave()).max() <= 3  # lossy; of 4095
    assert load_radiograph(path).pixels.std() > 0.3
    assert capfd.readouterr() == ("", "")  # its decoder likes to talk


@pytest.mark.parametrize("name", ["JPGExtended.dcm", "JPEG-lossy.dcm"])
def test_extended_jpeg_of_a_scanner_has_the_values_known_of_it(tmp_path: Path, name: str) -> None:
    """Two values that pydicom's own tests know of this image."""
    path = tmp_path / "a.dcm"
    bundled_as_radiograph(name, path)
    pixels = decoded(path, read_header(path), 0)
    assert pixels.shape == (1024, 256)
    assert (pixels[420, 140], pixels[230, 120]) == (244, 95)


def test_a_damaged_extended_jpeg_is_refused_or_survived(tmp_path: Path) -> None:
    intact = (GOLDEN / "wave_12_bits.jpg").read_bytes()
    random = np.random.default_rng(0)
    for cut in (*range(2, 40, 3), 200, 2000):
        path = saved(encapsulated(intact[:cut], JPEGExtended12Bit), tmp_path / "a.dcm")
        with pytest.raises(RadiographError):
            load_radiograph(path)
    for _ in range(40):
        broken = bytearray(intact)
        for at in random.integers(2, 700, 3):
            broken[at] = random.integers(256)
        path = saved(encapsulated(bytes(broken), JPEGExtended12Bit), tmp_path / "a.dcm")
        try:
            load_radiograph(path)
        except RadiographError:
            continue


def test_rle_of_more_pixels_than_the_header_has_is_refused_not_sheared(tmp_path: Path) -> None:
    dataset = dataset_of(drawn())
    dataset.compress(RLELossless)
    assert load_radiograph(saved(dataset, tmp_path / "a.dcm")).pixels.shape == (80, 100)
    dataset.Columns = 90
    with pytest.raises(RadiographError, match="cannot be decoded"):
        load_radiograph(saved(dataset, tmp_path / "a.dcm"))


def test_a_frame_deeper_inside_than_outside_is_refused(tmp_path: Path) -> None:
    stream = (GOLDEN / "wave_htj2k.j2c").read_bytes()
    shallow = encapsulated(stream, HTJ2K, BitsAllocated=8, BitsStored=8, HighBit=7)
    with pytest.raises(RadiographError, match=r"at most 8 bits.*of 16\."):
        load_radiograph(saved(shallow, tmp_path / "a.dcm"))


@pytest.mark.parametrize(
    "name", ["MR_small_RLE.dcm", "MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm"]
)
def test_damaged_compression_is_refused_or_survived(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.dcm"
    bundled_as_radiograph(name, path)
    intact, random = path.read_bytes(), np.random.default_rng(0)
    start = len(intact) // 2  # the second half is compressed pixels
    for _ in range(60):
        broken = bytearray(intact)
        for at in random.integers(start, len(intact), 4):
            broken[at] = random.integers(256)
        path.write_bytes(bytes(broken))
        try:
            load_radiograph(path)
        except RadiographError:
            continue


@pytest.mark.parametrize(
    ("name", "stated"),
    [
        ("MR_small_jp2klossless.dcm", ((64, 64), 16)),
        ("MR_small_jpeg_ls_lossless.dcm", ((64, 64), 16)),
        ("SC_rgb_jpeg_dcmtk.dcm", ((100, 100), 8)),
        ("SC_rgb_jpeg_gdcm.dcm", ((100, 100), 8)),
        ("JPEG-lossy.dcm", ((1024, 256), 12)),
        ("examples_jpeg2k.dcm", ((480, 640), 8)),
        ("MR_small_RLE.dcm", None),
    ],
)
def test_a_compressed_frame_tells_its_size_and_depth(
    name: str, stated: tuple[tuple[int, int], int] | None
) -> None:
    dataset = pydicom.dcmread(BUNDLED / name)
    frame = pydicom.encaps.get_frame(dataset.PixelData, 0, number_of_frames=1)
    assert read_codestream(frame) == stated


def test_a_frame_larger_inside_than_outside_is_refused_before_decoding(tmp_path: Path) -> None:
    path = tmp_path / "a.dcm"
    bundled_as_radiograph("MR_small_jp2klossless.dcm", path)
    size = b"\xff\x51"
    at = path.read_bytes().index(size) + 6
    huge = bytearray(path.read_bytes())
    huge[at : at + 8] = (60_000).to_bytes(4, "big") * 2
    path.write_bytes(bytes(huge))
    with pytest.raises(RadiographError, match=r"64 x 64.*60000 x 60000"):
        load_radiograph(path)
