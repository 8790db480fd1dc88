"""What a list of DICOM files learns of each: kind and view, and no patient."""

from dataclasses import replace
from pathlib import Path

import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import (
    JPEG2000,
    JPEG2000MC,
    DeflatedExplicitVRLittleEndian,
    MediaStorageDirectoryStorage,
)

from daug.errors import RadiographError
from daug.loading import load_radiograph
from daug.loading.listing import is_dicom, list_dicom
from daug.view import View
from tests.daug.loading.dicom_files import dataset_of, drawn, saved, write_dicom

KEY = b"k" * 32


def test_a_list_knows_what_loading_knows(tmp_path: Path) -> None:
    path = write_dicom(
        tmp_path,
        ViewPosition="AP",
        PatientID="17",
        StudyInstanceUID="1.2.3",
        StudyDate="20200102",
        PatientAge="097Y",
        PatientSex="F",
    )
    listed, loaded = list_dicom(path, KEY), load_radiograph(path, identity_key=KEY)
    assert listed.pseudonym == loaded.pseudonym
    assert (listed.view, listed.age) == (loaded.view, loaded.age) == (View.AP, 90)
    assert listed.shape == loaded.pixels.shape
    assert listed.sex == "F"
    assert listed.has_pixels
    assert listed.decodable


def test_nothing_that_is_listed_holds_what_names_the_patient(tmp_path: Path) -> None:
    secrets = {
        "PatientID": "MRN12345X",
        "PatientName": "DOE^JANE",
        "StudyInstanceUID": "1.2.840.99.1",
        "SOPInstanceUID": "1.2.840.99.2",
        "StudyDate": "20200102",
        "PatientBirthDate": "19500304",
        "AccessionNumber": "ACC777",
    }
    listed = list_dicom(write_dicom(tmp_path, None, **secrets), KEY)
    assert not [secret for secret in secrets.values() if secret in repr(listed)]
    assert list_dicom(tmp_path / "film.dcm", b"j" * 32).pseudonym != listed.pseudonym
    with pytest.raises(ValueError, match="must not be empty"):
        list_dicom(tmp_path / "film.dcm", b"")


def test_pixels_are_seen_to_be_there_without_being_read(tmp_path: Path) -> None:
    path = write_dicom(tmp_path)
    whole = list_dicom(path, KEY)
    content = path.read_bytes()
    path.write_bytes(content[: content.index(drawn().tobytes()) + 8])  # cut off behind the header
    assert list_dicom(path, KEY) == whole
    assert not list_dicom(write_dicom(tmp_path, PixelData=b""), KEY).has_pixels
    assert not list_dicom(write_dicom(tmp_path, Rows=0), KEY).has_pixels


def test_a_deflated_file_is_listed_as_it_is_inflated(tmp_path: Path) -> None:
    plain = list_dicom(write_dicom(tmp_path), KEY)
    dataset = dataset_of(drawn())
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    assert list_dicom(saved(dataset, tmp_path / "deflated.dcm"), KEY) == plain


def test_a_transfer_syntax_without_a_decoder_is_told(tmp_path: Path) -> None:
    dataset = dataset_of(drawn())
    dataset.PixelData = encapsulate([b"coded"])
    dataset["PixelData"].is_undefined_length = True
    for syntax, decodable in {JPEG2000: True, JPEG2000MC: False}.items():
        dataset.file_meta.TransferSyntaxUID = syntax
        listed = list_dicom(saved(dataset, tmp_path / "film.dcm"), KEY)
        assert (listed.decodable, listed.has_pixels) == (decodable, True)


@pytest.mark.parametrize(
    ("stated", "view"),
    [
        ("PA", View.PA),
        ("AP SUPINE", View.AP),
        ("LL", View.LATERAL),
        ("RAO", View.UNKNOWN),
        (None, View.UNKNOWN),
    ],
)
def test_views(tmp_path: Path, stated: str | None, view: View) -> None:
    listed = list_dicom(write_dicom(tmp_path, ViewPosition=stated), KEY)
    assert listed.view is view
    assert listed.states_view == (stated is not None)


@pytest.mark.parametrize(
    ("part", "other"), [("CHEST", False), (None, False), ("THORACIC SPINE", True), ("HAND", True)]
)
def test_parts_of_the_body(tmp_path: Path, part: str | None, other: bool) -> None:
    assert list_dicom(write_dicom(tmp_path, BodyPartExamined=part), KEY).other_body_part == other


def test_a_directory_of_files_is_known_by_its_class(tmp_path: Path) -> None:
    assert not list_dicom(write_dicom(tmp_path), KEY).is_directory
    path = write_dicom(tmp_path, SOPClassUID=MediaStorageDirectoryStorage)
    assert list_dicom(path, KEY).is_directory


def test_what_is_no_dicom_or_damaged_is_told_apart(tmp_path: Path) -> None:
    path = write_dicom(tmp_path)
    assert is_dicom(path)
    content = path.read_bytes()
    path.write_bytes(content[:152])  # in the midst of an element
    with pytest.raises(RadiographError, match="file is damaged"):
        list_dicom(path, KEY)
    path.write_bytes(b"short")
    assert not is_dicom(path)
    with pytest.raises(RadiographError, match="cannot be opened"):
        is_dicom(tmp_path / "missing")


def test_images_of_one_patient_differ_in_the_image_alone(tmp_path: Path) -> None:
    same = {"PatientID": "17", "StudyInstanceUID": "1.2.3"}
    one = list_dicom(write_dicom(tmp_path, None, SOPInstanceUID="1.5", **same), KEY)
    other = list_dicom(write_dicom(tmp_path, None, SOPInstanceUID="1.6", **same), KEY)
    assert one.instance != other.instance
    assert replace(one, instance=other.instance) == other
