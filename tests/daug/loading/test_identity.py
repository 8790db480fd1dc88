import hmac
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataset import Dataset

from daug.errors import RadiographError
from daug.loading import load_radiograph
from daug.loading.header import READ
from daug.loading.identity import PLACEHOLDERS, is_placeholder, pseudonym
from daug.radiograph import Pseudonym
from tests.daug.loading.dicom_files import dataset_of, drawn, saved, write_dicom

KEY = b"a secret of the library, 32 byte"
MOMENTS = st.datetimes(datetime(1895, 11, 8), datetime(2100, 1, 1))


def known(key: bytes | None = KEY, **changed: str) -> Pseudonym:
    stated = {
        "patient_id": "4711",
        "issuer": "",
        "study_uid": "1.2.3",
        "study_date": "20200229",
        "study_time": "101530.123",
    }
    return pseudonym(key, **(stated | changed))


def order(moment: datetime, patient_id: str = "4711", key: bytes = KEY) -> str:
    found = known(
        key,
        patient_id=patient_id,
        study_date=f"{moment:%Y%m%d}".zfill(8),
        study_time=f"{moment:%H%M%S}",
    ).study_order
    assert found is not None
    return found


def test_without_a_key_nothing_is_known() -> None:
    assert known(key=None) == Pseudonym()


def test_the_patient_is_the_keyed_hash_of_id_and_issuer() -> None:
    expected = hmac.new(KEY, b"patient\x004711\x00City", "sha256").hexdigest()[:32]
    assert known(issuer="City").patient == expected


@pytest.mark.parametrize(
    "other",
    [
        {"patient_id": "4712"},
        {"issuer": "City"},
        {"patient_id": "47", "issuer": "11"},
        {"key": b"another secret"},
    ],
)
def test_another_id_issuer_or_key_is_another_patient(other: dict[str, object]) -> None:
    assert known(**other).patient != known().patient  # type: ignore[arg-type]


def test_a_study_is_recognized_and_is_not_its_uid() -> None:
    assert known().study == known(patient_id="4712").study
    assert known().study != known(study_uid="1.2.4").study


@given(MOMENTS, MOMENTS)
def test_studies_of_one_patient_sort_by_time(a: datetime, b: datetime) -> None:
    a, b = a.replace(microsecond=0), b.replace(microsecond=0)
    assert (order(a) < order(b)) == (a < b)


def test_the_order_tells_intervals_but_neither_date_nor_hour() -> None:
    moment = datetime(2020, 2, 29, 10, 15, 30)
    later = moment + timedelta(days=400)
    assert int(order(later)) - int(order(moment)) == 400 * 86400
    assert order(moment) != order(moment, patient_id="4712")
    assert order(moment) != order(moment, key=b"another secret")
    assert int(order(moment)) % 86400 != (10 * 60 + 15) * 60 + 30


@pytest.mark.parametrize("date", ["", "2020", "20201345", "Feb 29"])
def test_a_date_that_is_none_gives_no_order(date: str) -> None:
    found = known(study_date=date)
    assert found.study_order is None
    assert found.patient == known().patient


@pytest.mark.parametrize("time", ["", "10", "1015", "101530", "10:15:30", "101530.999999", "9999"])
def test_any_time_of_day_leaves_the_order_of_days(time: str) -> None:
    found = known(study_time=time).study_order
    assert found is not None
    assert order(datetime(2020, 2, 28, 23, 59, 59)) < found < order(datetime(2020, 3, 1))


def test_without_a_patient_there_is_no_order() -> None:
    found = known(patient_id="")
    assert found.patient is None
    assert found.study_order is None


STAND_INS = ("ANONYMOUS", "ANON", "UNKNOWN", "0", "NA", "NONE", "TEST", "000000", "XXX", "99999")


@pytest.mark.parametrize("word", [*STAND_INS, "n/a", "Anon.", " un-known ", "0-0-0", "--", "?"])
def test_an_identifier_that_names_nobody_makes_no_patient(tmp_path: Path, word: str) -> None:
    """Else all who share it would be one patient, and no case of theirs would find another."""
    path = write_dicom(tmp_path, PatientID=word, StudyInstanceUID="1.2.3", StudyDate="20200229")
    found = load_radiograph(path, identity_key=KEY).pseudonym
    assert found.patient is None
    assert found.study_order is None  # it would be shifted by the same amount for all
    assert found.study == known().study


@pytest.mark.parametrize(
    "identifier",
    ["4711", "1", "9", "99", "10", "X1", "TEST 17", "ANON-0042", "UNKNOWN2", "NANCY", "00012", "Ö"],
)
def test_an_identifier_that_tells_people_apart_is_kept(identifier: str) -> None:
    assert known(patient_id=identifier).patient is not None


@given(
    st.sampled_from(sorted(PLACEHOLDERS)),
    st.lists(st.tuples(st.sampled_from(" -_./*()"), st.booleans()), max_size=20),
)
def test_neither_case_nor_punctuation_hides_a_placeholder(
    word: str, around: list[tuple[str, bool]]
) -> None:
    disguised = word
    for number, (mark, low) in enumerate(around):
        at = number * 7 % (len(disguised) + 1)
        disguised = disguised[:at] + mark + disguised[at:]
        disguised = disguised.swapcase() if low else disguised
    assert is_placeholder(disguised)


def test_an_empty_key_is_refused_since_anyone_has_it(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="identity_key"):
        load_radiograph(write_dicom(tmp_path), identity_key=b"")


def test_the_same_patient_is_recognized_in_two_files(tmp_path: Path) -> None:
    first = load_radiograph(
        write_dicom(tmp_path, PatientID="4711", StudyInstanceUID="1.2.3"), identity_key=KEY
    ).pseudonym
    second = load_radiograph(
        write_dicom(tmp_path, PatientID="4711 ", StudyInstanceUID="1.2.4"), identity_key=KEY
    ).pseudonym
    assert first.patient == second.patient is not None
    assert first.study != second.study


TELLING = (
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "OtherPatientNames",
    "PatientAddress",
    "PatientComments",
    "ReferringPhysicianName",
    "InstitutionName",
    "StudyDescription",
    "SeriesDescription",
    "ImageComments",
    "AccessionNumber",
    "StudyID",
    "StationName",
    "OperatorsName",
    "RequestedProcedureDescription",
    "BodyPartExamined",
    "ViewPosition",
    "PatientOrientation",
    "BurnedInAnnotation",
    "VOILUTFunction",
    "PresentationLUTShape",
    "PixelSpacingCalibrationType",
    "ConversionType",
)
SECRET = "DOE"  # short enough for every kind of element


def telling(**elements: object) -> Dataset:
    dataset = dataset_of(drawn())
    for keyword in TELLING:
        setattr(dataset, keyword, SECRET)
    dataset.PatientBirthDate = "19400305"
    dataset.add_new(0x00091001, "LO", SECRET)
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return dataset


@pytest.mark.parametrize("key", [None, KEY])
def test_no_element_leaves_the_file(tmp_path: Path, key: bytes | None) -> None:
    radiograph = load_radiograph(saved(telling(), tmp_path / "film.dcm"), identity_key=key)
    assert SECRET not in repr(radiograph)
    assert "1940" not in repr(radiograph)
    assert radiograph.source_name == "film"


@pytest.mark.parametrize(
    "elements",
    [{"Modality": SECRET}, {"PhotometricInterpretation": SECRET}, {"PixelData": b"1"}],
    ids=lambda elements: next(iter(elements)),
)
def test_no_element_leaves_the_file_in_a_refusal(
    tmp_path: Path, elements: dict[str, object]
) -> None:
    with pytest.raises(RadiographError) as refusal:
        load_radiograph(saved(telling(**elements), tmp_path / "film.dcm"))
    assert SECRET not in str(refusal.value)
    assert refusal.value.__cause__ is None


def test_what_names_a_person_is_not_even_read() -> None:
    """Of the elements that PS3.15 Table E.1-1 wants gone: those that are hashed, and the age.

    Nobody is known by an age in years that ends at 90, and no normal range holds without it.
    """
    kinds = {keyword: dictionary_VR(tag_for_keyword(keyword) or 0) for keyword in READ}
    free_text = {keyword for keyword, kind in kinds.items() if kind in {"PN", "LT", "ST", "UT"}}
    assert free_text == set()
    assert {keyword for keyword in READ if keyword.startswith(("Patient", "Study", "Issuer"))} == {
        "PatientAge",
        "PatientID",
        "IssuerOfPatientID",
        "StudyInstanceUID",
        "StudyDate",
        "StudyTime",
        "PatientOrientation",
    }


def test_two_radiographs_differ_in_pixels_not_in_who_they_show(tmp_path: Path) -> None:
    one = load_radiograph(write_dicom(tmp_path, PatientID="1"), identity_key=KEY)
    two = load_radiograph(write_dicom(tmp_path, PatientID="2"), identity_key=KEY)
    assert one.digest == two.digest
    np.testing.assert_array_equal(one.pixels, two.pixels)
