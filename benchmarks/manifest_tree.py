"""A drawn folder laid out as MIMIC-CXR-JPG is, with its reports, in any size.

Of 377,110 images it has the studies, patients and views that the collection has; names, labels and
reports are drawn, and there are no pictures, at most empty files in their place.
"""

import csv
import gzip
import random
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from daug.findings import Finding

IMAGES_A_STUDY = (1, 2, 2, 1, 2, 1, 2, 2, 2, 1)  # 377,110 images of 227,835 studies: 1.66
STUDIES_A_PATIENT = (1, 2, 1, 3, 1, 2, 5, 1, 4, 15)  # of 65,379 patients: 3.5
VIEWS = ("AP", "PA", "LATERAL", "AP", "LL", "PA", "AP", "LATERAL", "", "AP")
METADATA = (
    "dicom_id,subject_id,study_id,PerformedProcedureStepDescription,ViewPosition,Rows,Columns,"
    "StudyDate,StudyTime,ProcedureCodeSequence_CodeMeaning,ViewCodeSequence_CodeMeaning,"
    "PatientOrientationCodeSequence_CodeMeaning"
)
LABELS = ("1.0", "0.0", "-1.0", *[""] * 12)
REPORT = """                                 FINAL REPORT
 EXAMINATION:  CHEST (PA AND LAT)

 INDICATION:  ___ year old man with {asked}.  // evaluate for {asked}

 COMPARISON:  Chest radiograph of ___.

 FINDINGS:

 The lungs are clear of {asked}. Heart size is mildly enlarged and unchanged. The mediastinal
 contours are within normal limits. There is a patchy opacity at the left base, which may
 represent atelectasis or early pneumonia, {number} mm wide. No pleural effusion or pneumothorax
 is seen. A right PICC ends in the superior vena cava.

 IMPRESSION:

 1. Left basal opacity, atelectasis versus pneumonia.
 2. Stable cardiomegaly, no edema.
""".replace("\n\n", "\n \n")


def draw_tree(root: Path, images: int, files: bool) -> None:
    """Write tables, an archive of reports beside each other, and if asked empty images.

    Args:
        root: The folder, made if missing.
        images: How many, at least one.
        files: Whether each image is there, as an empty file.
    """
    root.mkdir(parents=True, exist_ok=True)
    rows = list(_names(images))
    chance = random.Random(0)  # noqa: S311 - nothing secret is drawn
    _write_metadata(root, rows, chance)
    _table(
        root / "mimic-cxr-2.0.0-split.csv.gz",
        "dicom_id,study_id,subject_id,split",
        ((d, s, p, ("test", "validate", *["train"] * 98)[int(p) % 100]) for p, s, d in rows),
    )
    studies = list(dict.fromkeys((patient, study) for patient, study, _ in rows))
    findings = sorted(f.value for f in Finding)
    for program in ("chexpert", "negbio"):
        _table(
            root / f"mimic-cxr-2.0.0-{program}.csv.gz",
            ",".join(("subject_id", "study_id", *findings)),
            ((p, s, *chance.choices(LABELS, k=len(findings))) for p, s in studies),
        )
    with ZipFile(root / "mimic-cxr-reports.zip", "w", ZIP_DEFLATED, compresslevel=1) as archive:
        for patient, study in studies:
            text = REPORT.format(asked=chance.choice(findings).lower(), number=study)
            archive.writestr(f"files/p{patient[:2]}/p{patient}/s{study}.txt", text)
    for patient, study, image in rows if files else ():
        path = root / f"files/p{patient[:2]}/p{patient}/s{study}/{image}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def _names(images: int) -> Iterator[tuple[str, str, str]]:
    """Yield patient, study and image, one after the other."""
    chance = random.Random(1)  # noqa: S311
    patient, study, left_of_patient, left_of_study = 10_000_000, 50_000_000, 0, 0
    for _ in range(images):
        if not left_of_study:
            if not left_of_patient:
                patient += 139
                left_of_patient = STUDIES_A_PATIENT[chance.randrange(len(STUDIES_A_PATIENT))]
            study += 41
            left_of_patient -= 1
            left_of_study = IMAGES_A_STUDY[chance.randrange(len(IMAGES_A_STUDY))]
        left_of_study -= 1
        digits = f"{chance.getrandbits(160):040x}"
        yield str(patient), str(study), "-".join(digits[i : i + 8] for i in range(0, 40, 8))


def _write_metadata(root: Path, rows: list[tuple[str, str, str]], chance: random.Random) -> None:
    done = "CHEST (PA AND LAT)"
    lines = (
        (
            *(image, patient, study, done, chance.choice(VIEWS), 3056, 2544),
            *(f"2{int(study) % 200:03d}0506", f"{int(study) % 86400}.531", done),
            *("postero-anterior", "Erect"),
        )
        for patient, study, image in rows
    )
    _table(root / "mimic-cxr-2.0.0-metadata.csv.gz", METADATA, lines)


def _table(path: Path, header: str, lines: Iterator[tuple[object, ...]]) -> None:
    with gzip.open(path, "wt", newline="", encoding="utf-8", compresslevel=1) as file:
        writer = csv.writer(file)
        writer.writerow(header.split(","))
        writer.writerows(lines)
