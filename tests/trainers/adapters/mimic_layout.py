"""MIMIC-CXR and MIMIC-CXR-JPG in small, laid out as they are released; nothing in them is real."""

import gzip
from collections.abc import Mapping, Sequence
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from tests.trainers.adapters import layouts

METADATA = (
    "dicom_id,subject_id,study_id,PerformedProcedureStepDescription,ViewPosition,Rows,Columns,"
    "StudyDate,StudyTime,ProcedureCodeSequence_CodeMeaning,ViewCodeSequence_CodeMeaning,"
    "PatientOrientationCodeSequence_CodeMeaning"
)
WORDS = (
    "Atelectasis,Cardiomegaly,Consolidation,Edema,Enlarged Cardiomediastinum,Fracture,Lung Lesion,"
    "Lung Opacity,No Finding,Pleural Effusion,Pleural Other,Pneumonia,Pneumothorax,Support Devices"
)
LABELS = f"subject_id,study_id,{WORDS}"
TEST_LABELS = f"study_id,{WORDS.replace('Lung Opacity', 'Airspace Opacity')}"
SPLIT = "dicom_id,study_id,subject_id,split"
RECORDS = "subject_id,study_id,dicom_id,path"
Names = tuple[str, str, str]  # patient, study, image
OLD: Names = ("10000032", "53911762", "68b5c4b1-227d0485-9cc38c3f-7b84ab51-4b472714")
OLD_SIDE: Names = ("10000032", "53911762", "fffabebf-74fd3a1f-673b6b41-96ec0ac9-2ab69818")
NEW: Names = ("10000032", "50414267", "02aa804e-bde0afdd-112c0b34-7bc16630-4e384014")
VAL: Names = ("11000011", "51029426", "0a4f7c1e-11111111-22222222-33333333-44444444")
TEST: Names = ("18000291", "55388853", "9d2c4b70-55555555-66666666-77777777-88888888")
SPLITS = {OLD: "train", OLD_SIDE: "train", NEW: "train", VAL: "validate", TEST: "test"}
SEEN: Mapping[Names, Mapping[str, object]] = {
    OLD: {"ViewPosition": "AP", "StudyDate": "21800506", "StudyTime": "90514.53100000002"},
    OLD_SIDE: {"ViewPosition": "LATERAL", "StudyDate": "21800506", "StudyTime": "90514.531"},
    NEW: {"ViewPosition": "PA", "StudyDate": "21800506", "StudyTime": "213014.531"},
    VAL: {"ViewCodeSequence_CodeMeaning": "postero-anterior", "StudyDate": "21110101"},
    TEST: {"ViewPosition": "AP", "StudyDate": "21320102", "StudyTime": "0.0"},
}
CHEXPERT: Mapping[str, Mapping[str, str]] = {
    OLD[1]: {"Edema": "1.0", "Pneumonia": "-1.0", "Pneumothorax": "0.0"},
    NEW[1]: {"No Finding": "1.0"},
    VAL[1]: {},
    TEST[1]: {"Edema": "1.0", "Lung Opacity": "1.0", "Fracture": "0.0"},
}
NEGBIO = {**CHEXPERT, OLD[1]: {"Edema": "0.0", "Pneumonia": "-1.0"}}
RADIOLOGIST = {TEST[1]: {"Edema": "0.0", "Airspace Opacity": "-1.0"}}
PATIENT_OF = {study: patient for patient, study, _ in SPLITS}
REPORT = """                                 FINAL REPORT
 EXAMINATION:  CHEST (PA AND LAT)

 INDICATION:  ___F with cough.  // pneumonia?

 COMPARISON:  ___.

 FINDINGS:

 Heart size is normal.  There is mild edema.

 IMPRESSION:

 Mild edema.
""".replace("\n\n", "\n \n")  # each line of a report begins with a space


def jpg(root: Path, *, names: Sequence[Names] = tuple(SPLITS), packed: bool = True) -> Path:
    """Release 2.0.0 of MIMIC-CXR-JPG: five images, one of them from the side."""
    metadata(root, names, packed=packed)
    split(root, names, packed=packed)
    label_table(root / "mimic-cxr-2.0.0-chexpert.csv", LABELS, CHEXPERT, packed=packed)
    label_table(root / "mimic-cxr-2.0.0-negbio.csv", LABELS, NEGBIO, packed=packed)
    for patient, study, image in names:
        folder = root / f"files/p{patient[:2]}/p{patient}/s{study}"
        layouts.pictures(folder, f"{image}.jpg", size=8)
    return root


def jpg_2_1(root: Path) -> Path:
    """Release 2.1.0: the names of 2.0.0, and a radiologist's labels of the test set."""
    jpg(root)
    name = "mimic-cxr-2.1.0-test-set-labeled.csv"
    label_table(root / name, TEST_LABELS, RADIOLOGIST, packed=False)
    return root


def metadata(root: Path, names: Sequence[Names] = tuple(SPLITS), *, packed: bool = True) -> None:
    rows = [
        {
            "dicom_id": image,
            "subject_id": patient,
            "study_id": study,
            "Rows": 3056,
            "Columns": 2544,
            **SEEN[patient, study, image],
        }
        for patient, study, image in names
    ]
    table(root / "mimic-cxr-2.0.0-metadata.csv", METADATA, rows, packed=packed)


def split(root: Path, names: Sequence[Names] = tuple(SPLITS), *, packed: bool = True) -> None:
    rows = [
        {"dicom_id": image, "study_id": study, "subject_id": patient, "split": SPLITS[p]}
        for p in names
        for patient, study, image in [p]
    ]
    table(root / "mimic-cxr-2.0.0-split.csv", SPLIT, rows, packed=packed)


def label_table(
    path: Path, header: str, said: Mapping[str, Mapping[str, str]], *, packed: bool = True
) -> None:
    with_patient = header.startswith("subject_id")
    rows = [
        ({"subject_id": PATIENT_OF[study]} if with_patient else {}) | {"study_id": study, **words}
        for study, words in said.items()
    ]
    table(path, header, rows, packed=packed)


def table(
    path: Path, header: str, rows: Sequence[Mapping[str, object]], *, packed: bool = True
) -> None:
    layouts.write_rows(path, header, rows)
    if packed:
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()


def report_name(patient: str, study: str) -> str:
    return f"files/p{patient[:2]}/p{patient}/s{study}.txt"


def reports_zip(path: Path, more: Mapping[str, str] | None = None) -> Path:
    """The archive of all reports, each ending with its study's number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        for name, text in (more or {}).items():
            archive.writestr(name, text)
        for patient, study, _ in dict.fromkeys((p, s, "") for p, s, _ in SPLITS):
            archive.writestr(report_name(patient, study), f"{REPORT} Study {study}.\n")
    return path
