import io
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin
from pydicom.dataset import Dataset

from daug.errors import RadiographError
from daug.loading import load_radiograph
from daug.loading.deidentified import KEPT, deidentified_copy
from tests.daug.loading.dicom_files import bundled_as_radiograph, drawn, write_dicom

KEY = bytes(range(32))
SECRET = b"Secret Person 1970-01-02"


def reloaded(path: Path, folder: Path, key: bytes = KEY) -> tuple[bytes, str, str]:
    """The copy, and the pixel digests of original and copy."""
    copy = deidentified_copy(path, key)
    other = folder / f"copy.{copy.suffix}"
    other.write_bytes(copy.content)
    return copy.content, load_radiograph(path).digest, load_radiograph(other).digest


def smooth(mode: str = "L") -> Image.Image:
    rows, columns = np.mgrid[0:90, 0:120]
    gray = Image.fromarray(((rows * 2 + columns) % 256).astype(np.uint8))
    return gray if mode == "L" else gray.convert(mode)


@pytest.mark.parametrize("orientation", [1, 3, 6])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_blocks": 4}])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_jpeg_keeps_its_coded_pixels_and_loses_all_that_is_said(
    tmp_path: Path, orientation: int, options: dict[str, Any], mode: str
) -> None:
    exif = Image.Exif()
    exif[274], exif[270], exif[315] = orientation, SECRET.decode(), "Author"
    path = tmp_path / "film.jpg"
    smooth(mode).save(path, exif=exif, comment=SECRET, icc_profile=SECRET * 10, **options)
    path.write_bytes(path.read_bytes() + b"trailing " + SECRET)
    content, before, after = reloaded(path, tmp_path)
    assert before == after
    assert SECRET in path.read_bytes()
    assert SECRET not in content
    assert b"Author" not in content


def test_a_thumbnail_in_a_jfif_header_goes(tmp_path: Path) -> None:
    plain = io.BytesIO()
    smooth().save(plain, "JPEG")
    content = plain.getvalue()
    thumbnail = SECRET[:12]  # 2 x 2 pixels of three colors
    header = b"\xff\xe0" + (16 + 12).to_bytes(2, "big") + content[6:18] + b"\x02\x02" + thumbnail
    path = tmp_path / "film.jpg"
    path.write_bytes(content[:2] + header + content[20:])
    copy, before, after = reloaded(path, tmp_path)
    assert before == after
    assert thumbnail not in copy


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("orientation", [1, 8])
def test_a_png_keeps_its_coded_pixels_and_loses_all_that_is_said(
    tmp_path: Path, depth: int, orientation: int
) -> None:
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Comment", SECRET.decode())
    notes.add_itxt("Author", SECRET.decode())
    exif = Image.Exif()
    exif[274], exif[270] = orientation, SECRET.decode()
    picture = smooth()
    if depth == 16:
        picture = Image.fromarray(np.asarray(picture).astype(np.uint16) * 200)
    path = tmp_path / "film.png"
    picture.save(path, pnginfo=notes, exif=exif)
    path.write_bytes(path.read_bytes() + SECRET)
    content, before, after = reloaded(path, tmp_path)
    assert before == after
    assert SECRET in path.read_bytes()
    assert SECRET not in content


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate", "jpeg"])
@pytest.mark.parametrize("mode", ["L", "RGB", "I;16"])
def test_a_tiff_keeps_its_coded_pixels_and_loses_all_that_is_said(
    tmp_path: Path, compression: str, mode: str
) -> None:
    if (compression, mode) == ("jpeg", "I;16"):
        pytest.skip("JPEG in TIFF has 8 bits")
    picture = (
        smooth(mode)
        if mode != "I;16"
        else Image.fromarray(np.asarray(smooth()).astype(np.uint16) * 200)
    )
    path = tmp_path / "film.tif"
    picture.save(path, compression=compression, tiffinfo={270: SECRET.decode(), 315: "Author"})
    content, before, after = reloaded(path, tmp_path)
    assert before == after
    assert SECRET in path.read_bytes()
    assert SECRET not in content
    assert b"Author" not in content


def test_a_dicom_keeps_what_shows_the_picture_and_names_nobody(tmp_path: Path) -> None:
    table = Dataset()
    table.LUTDescriptor = [4, 0, 16]
    table.add_new("LUTData", "OW", bytes(range(8)))
    table.LUTExplanation = SECRET.decode()
    path = write_dicom(
        tmp_path,
        PatientName="Secret^Person",
        PatientID="MRN1",
        PatientBirthDate="19700102",
        PatientComments=SECRET.decode(),
        InstitutionName="Secret Clinic",
        StudyInstanceUID="1.2.840.77",
        SOPInstanceUID="1.2.840.88",
        StudyDate="20200304",
        ViewPosition="PA",
        PixelSpacing=[1, 1],
        VOILUTSequence=[table],
        RescaleSlope=2,
        RescaleIntercept=-10,
    )
    raw = path.read_bytes()
    path.write_bytes(SECRET.ljust(128, b"\0") + raw[128:])  # the preamble is free for anything
    content, before, after = reloaded(path, tmp_path)
    assert before == after
    for word in (b"Secret", b"MRN1", b"19700102", b"840.77", b"840.88", b"20200304"):
        assert word in path.read_bytes()
        assert word not in content
    copy = pydicom.dcmread(io.BytesIO(content))
    assert copy.PatientIdentityRemoved == "YES"
    assert {element.keyword for element in copy} <= {
        *KEPT,
        "PixelData",
        "SOPInstanceUID",
        "StudyInstanceUID",
        "PatientIdentityRemoved",
        "DeidentificationMethod",
    }
    assert [element.keyword for element in copy.VOILUTSequence[0]] == ["LUTDescriptor", "LUTData"]


@pytest.mark.parametrize(
    "name",
    ["MR_small_jp2klossless.dcm", "MR_small_RLE.dcm", "JPGExtended.dcm"],
)
def test_coded_dicom_pixels_are_copied_as_they_are(tmp_path: Path, name: str) -> None:
    path = tmp_path / "film.dcm"
    original = bundled_as_radiograph(name, path)
    content, before, after = reloaded(path, tmp_path)
    copy = pydicom.dcmread(io.BytesIO(content))
    assert before == after
    assert copy.file_meta.TransferSyntaxUID == original.file_meta.TransferSyntaxUID
    assert copy.PixelData == original.PixelData


def test_one_instance_has_one_hash_under_one_key_and_another_under_another(tmp_path: Path) -> None:
    first = write_dicom(tmp_path, SOPInstanceUID="1.2.3")
    one = deidentified_copy(first, KEY)
    again = deidentified_copy(first, KEY)
    assert (one.content, one.instance) == (again.content, again.instance)
    assert deidentified_copy(first, bytes(32)).instance != one.instance
    other = write_dicom(tmp_path, drawn(high=100), SOPInstanceUID="1.2.4")
    assert deidentified_copy(other, KEY).instance != one.instance


@given(st.integers(0, 3000), st.integers(0, 255))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_picture_is_refused_or_loads_as_it_did(
    tmp_path: Path, at: int, value: int
) -> None:
    for kind in ("JPEG", "PNG", "TIFF"):
        whole = io.BytesIO()
        smooth().save(whole, kind)
        content = bytearray(whole.getvalue())
        content[at % len(content)] = value
        path = tmp_path / "torn"
        path.write_bytes(bytes(content))
        try:
            before = load_radiograph(path).digest
            copy = deidentified_copy(path, KEY)
        except RadiographError:
            continue
        other = tmp_path / "copy"
        other.write_bytes(copy.content)
        assert load_radiograph(other).digest == before


def test_an_empty_key_is_a_mistake_in_the_program(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must not be empty"):
        deidentified_copy(write_dicom(tmp_path), b"")
