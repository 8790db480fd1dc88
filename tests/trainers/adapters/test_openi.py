"""Open-i in both of its forms: the same images, patients and labels."""

import tarfile
from pathlib import Path

import pytest

from daug.errors import ManifestError
from daug.findings import Finding
from tests.trainers.adapters import layouts
from trainers.adapters.collection import Collection
from trainers.adapters.openi import NO_IMAGE, NO_REPORT, NO_VIEW, NOT_FRONTAL, OPENI, UNREADABLE
from trainers.adapters.openi_report import MOST_BYTES, image_key, parse_report
from trainers.adapters.record import LeftOut, Record
from trainers.adapters.tally import Tally
from trainers.adapters.writing import write_manifest
from trainers.labeller.rules import RuleLabeller
from trainers.manifest import read_manifest

IMPRESSION = "Small left pleural effusion."
NAMES = {
    "1": ("CXR1_1_IM-0001-3001", "CXR1_1_IM-0001-4001"),
    "2": ("CXR2_IM-0652-1001",),
    "3": (),
}
HEADINGS = {"1": ("normal",), "2": ("Pleural Effusion/left/small", "Lung/hypoinflation"), "3": ()}


def xml(number: str, doctype: str = "") -> str:
    parts = "".join(f"<major>{heading}</major>" for heading in HEADINGS[number])
    images = "".join(f'<parentImage id="{name}"/>' for name in NAMES[number])
    return (
        f'<?xml version="1.0" encoding="utf-8"?>{doctype}<eCitation><uId id="CXR{number}"/>'
        '<AbstractText Label="COMPARISON"/>'
        '<AbstractText Label="INDICATION">Cough &amp; edema</AbstractText>'
        f'<AbstractText Label="FINDINGS"/><AbstractText Label="IMPRESSION">{IMPRESSION}'
        f"</AbstractText><MeSH>{parts}</MeSH>{images}</eCitation>"
    )


def as_xml(root: Path) -> Path:
    for number in NAMES:
        layouts.write_lines(root / "ecgen-radiology" / f"{number}.xml", xml(number))
    for names in NAMES.values():
        layouts.pictures(root / "NLMCXR_png", *(f"{name}.png" for name in names))
    return root


def projections(root: Path, *more: str) -> None:
    layouts.write_lines(
        root / "indiana_projections.csv",
        "uid,filename,projection",
        "1,1_IM-0001-3001.dcm.png,Lateral",
        "1,1_IM-0001-4001.dcm.png,Frontal",
        "2,2_IM-0652-1001.dcm.png,Frontal",
        *more,
    )


def from_kaggle(root: Path, *more: str) -> Path:
    layouts.write_lines(
        root / "indiana_reports.csv",
        "uid,MeSH,Problems,image,indication,comparison,findings,impression",
        f"1,normal,normal,Xray Chest PA and Lateral,Cough & edema,,,{IMPRESSION}",
        "2,Pleural Effusion/left/small;Lung/hypoinflation,Pleural Effusion;Lung,,Cough & edema,,,"
        + IMPRESSION,
    )
    projections(root, *more)
    names = ("1_IM-0001-3001", "1_IM-0001-4001", "2_IM-0652-1001")
    layouts.pictures(root / "images/images_normalized", *(f"{name}.dcm.png" for name in names))
    return root


def test_both_forms_say_the_same_of_the_same_image(tmp_path: Path) -> None:
    rows = []
    for root in (as_xml(tmp_path / "xml"), from_kaggle(tmp_path / "kaggle")):
        write_manifest(OPENI, root, root / "m.csv")
        rows.append(layouts.manifest_lines(root / "m.csv")["openi-CXR2_IM-0652-1001"])
    told, tabled = rows
    assert (told.pop("view"), tabled.pop("view")) == ("", "frontal")
    for line in rows:
        assert line.pop("image") == line.pop("source_file")
    assert told == tabled
    assert told["patient_id"] == "2"
    assert (told["Pleural Effusion"], told["Pneumothorax"], told["No Finding"]) == ("1", "0", "0")
    assert told["license"] == "CC BY-NC-ND 4.0"
    assert told["report_sections"] == (
        '{"indication": "Cough & edema", "impression": "Small left pleural effusion."}'
    )


def test_lateral_views_are_left_out_where_they_are_told(tmp_path: Path) -> None:
    root = from_kaggle(
        tmp_path, "9,9_IM-1.dcm.png,Frontal", "2,2_IM-9.dcm.png,Oblique", "2,2_IM-8.dcm.png,"
    )
    said = write_manifest(OPENI, root, root / "m.csv")
    assert said["views"] == {"frontal": 2}
    assert said["skipped"] == {NOT_FRONTAL["lateral"]: 1, NO_REPORT: 1, NO_VIEW: 2}


def test_views_of_the_xml_form_stay_blank_unless_the_table_lies_beside_it(tmp_path: Path) -> None:
    root = as_xml(tmp_path)
    said = write_manifest(OPENI, root, root / "m.csv")
    assert (said["rows"], said["views"]) == (3, {"not stated": 3})
    assert said["skipped"] == {NO_IMAGE: 1}
    projections(root)
    said = write_manifest(OPENI, root, root / "m.csv")
    assert said["views"] == {"frontal": 2}


def test_what_the_indication_asks_is_not_what_the_report_says(tmp_path: Path) -> None:
    root = as_xml(tmp_path)
    write_manifest(OPENI, root, root / "m.csv")
    row = next(row for row in read_manifest(root / "m.csv") if row.patient == "openi/2")
    (labels,) = RuleLabeller().label([row.report])
    assert labels[Finding.PLEURAL_EFFUSION] == 1
    assert Finding.EDEMA not in labels


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<eCitation><uId id='CXR4'",
        b"\xff\xfe<\x00a\x00/\x00>\x00",
        xml("2", '<!DOCTYPE a [<!ENTITY x "y">]>').encode(),
        xml("2", '<!DOCTYPE a SYSTEM "file:///etc/passwd">').encode(),
        xml("2", '<!DOCTYPE a [<!ENTITY % x SYSTEM "http://localhost/x">%x;]>').encode("utf-16"),
        xml("2").encode() + b" " * MOST_BYTES,
    ],
)
def test_a_report_that_is_no_sound_xml_is_left_out_alone(tmp_path: Path, content: bytes) -> None:
    root = as_xml(tmp_path)
    (root / "ecgen-radiology" / "4.xml").write_bytes(content)
    said = write_manifest(OPENI, root, root / "m.csv")
    assert said["rows"] == 3
    assert said["skipped"] == {NO_IMAGE: 1, UNREADABLE: 1}


def test_a_document_type_is_refused_before_anything_is_expanded() -> None:
    lines = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    bomb = xml("2", f'<!DOCTYPE a [<!ENTITY e0 "x">{lines}]>')
    with pytest.raises(ManifestError, match="document type"):
        parse_report("4", bomb.replace("Cough", "&e11;").encode())


def test_paths_of_the_table_do_not_leave_the_folder(tmp_path: Path) -> None:
    root = from_kaggle(tmp_path / "root", "2,../../secret.png,Frontal")
    layouts.pictures(tmp_path, "secret.png")
    said = write_manifest(OPENI, root, root / "m.csv")
    assert said["skipped"]["the image's path leads out of the collection's folder"] == 1


@pytest.mark.parametrize("heading", ["<major>normal</major>", "<major>no indexing</major>", ""])
def test_of_a_report_that_was_not_coded_nothing_is_known(tmp_path: Path, heading: str) -> None:
    root = as_xml(tmp_path)
    path = root / "ecgen-radiology" / "1.xml"
    path.write_text(path.read_text().replace("<major>normal</major>", heading))
    write_manifest(OPENI, root, root / "m.csv")
    lines = layouts.manifest_lines(root / "m.csv")["openi-CXR1_IM-0001-4001"]
    known = {finding for finding in Finding if lines[finding]}
    assert known == (set(Finding) if "normal" in heading else set())


def test_a_folder_of_neither_form_says_what_is_expected(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"From Open-i.*From Kaggle"):
        write_manifest(OPENI, tmp_path, tmp_path / "m.csv")


def test_names_of_one_image_in_either_form_are_one_key() -> None:
    assert image_key("CXR1_1_IM-0001-4001") == image_key("1_IM-0001-4001.dcm.png")
    assert image_key("CXR1_1_IM-0001-4001") != image_key("CXR11_IM-0001-4001")
    assert image_key("other.png") == ("", "other.png")


def images_under(folder: Path, heading: str) -> int:
    """Count the images of the reports with a heading that begins so, without an XML reader."""
    texts = (path.read_text(encoding="utf-8").lower() for path in folder.rglob("*.xml"))
    return sum(text.count("<parentimage id=") for text in texts if f"<major>{heading}" in text)


@pytest.mark.shared
def test_all_real_reports_become_records(shared: Path, tmp_path: Path) -> None:
    archive = shared / "reports" / "openi_reports.tgz"
    if not archive.is_file():
        pytest.skip("no Open-i reports")
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path, filter="data")
    tally, images, patients = Tally(), set(), set()
    for item in OPENI.read(Collection(tmp_path)):
        if isinstance(item, LeftOut):
            tally.leave_out(item)
            continue
        assert isinstance(item, Record)
        images.add(item.id)
        patients.add(item.patient)
        tally.add(item, item.split, item.licence)
    assert len(list(tmp_path.rglob("*.xml"))) == 3955
    assert tally.rows == len(images) == 7470
    assert len(patients) == 3851
    assert tally.skipped == {NO_IMAGE: 104}  # so that no report is unreadable
    assert not tally.unknown_words
    for finding, heading in {
        Finding.NO_FINDING: "normal",
        Finding.PNEUMONIA: "pneumonia",
        Finding.CONSOLIDATION: "consolidation",
    }.items():
        assert tally.labels[finding, 1] == images_under(tmp_path, heading) > 0
    for finding in Finding:  # nothing is known of the reports that were not coded
        assert tally.labels[finding, 1] + tally.labels[finding, 0] < 7470
        assert not tally.labels[finding, -1]
