"""One radiograph of MIMIC-CXR, in either form, out of what its tables and its report say."""

from collections.abc import Mapping

from trainers.adapters.mimic_labels import StudyLabels
from trainers.adapters.mimic_names import Exposure
from trainers.adapters.mimic_reports import Report
from trainers.adapters.record import Record

UNLABELLED = StudyLabels({}, "")


def mimic_record(
    row: Mapping[str, str],
    image: str,
    split: str,
    seen: Exposure,
    report: Report,
    said: StudyLabels = UNLABELLED,
) -> Record:
    """Return a radiograph's record.

    Args:
        row: Names image, patient and study.
        image: Its path.
        split: Blank leaves it to the hash of the patient.
        seen: Its view, order and size.
        report: Of its study.
        said: The labels of its study.
    """
    return Record(
        id=row["dicom_id"],
        image=image,
        patient=row["subject_id"],
        split=split,
        view=seen.view,
        width=seen.width,
        height=seen.height,
        study=row["study_id"],
        study_order=seen.study_order,
        labels=said.labels,
        raw_labels=said.raw,
        unknown_words=said.odd,
        report=report.text,
        report_sections=report.sections,
    )
