"""Open-i, the Indiana University chest X-rays: 3,955 reports of as many patients, 7,470 images.

From Open-i: one XML file a report, which names its images but not their views; lateral ones are
among them, so the view stays blank unless Kaggle's table of projections lies beside them. From
Kaggle: two CSV tables that tell frontal from lateral.

Traps: an image is CXR1_1_IM-0001-4001 in one form and 1_IM-0001-4001.dcm in the other; 104 reports
have no image; XXXX stands for what was removed; headings tell what the report says, whichever of
its images shows it.
"""

from collections.abc import Iterator, Mapping

from daug.errors import ManifestError
from trainers.adapters.collection import Collection
from trainers.adapters.openi_headings import WORDS, coded_truth, unknown_headings
from trainers.adapters.openi_report import (
    MOST_BYTES,
    ImageKey,
    OpeniReport,
    image_key,
    parse_report,
    split_headings,
)
from trainers.adapters.record import Adapter, LeftOut, Reading, Record
from trainers.adapters.splits import HASHED

DATASET = "openi"
REPORTS, PROJECTIONS = "indiana_reports.csv", "indiana_projections.csv"
SECTIONS = ("comparison", "indication", "findings", "impression")  # columns of REPORTS
HEADINGS_APART = ";"
XML_FOLDERS = ("ecgen-radiology", "*/ecgen-radiology", ".")
KAGGLE_IMAGES = "images/images_normalized"
IMAGE_FOLDERS = ("NLMCXR_png", KAGGLE_IMAGES, "images_normalized", "images", ".")
ENDINGS = (".png", ".jpg", ".jpeg", ".dcm")
FRONTAL, LATERAL = "frontal", "lateral"
NO_IMAGE, NO_REPORT = "its report names no image", "its report is not there"
NOT_FRONTAL = {LATERAL: "it is a lateral view"}
NO_VIEW = "its projection is neither frontal nor lateral"
UNREADABLE = "its report is no sound XML file of Open-i"
LAYOUT = (
    "From Open-i, ROOT holds ecgen-radiology (or its XML files) and NLMCXR_png; lateral views are "
    f"among the images and cannot be told, unless {PROJECTIONS} lies there too. From Kaggle, ROOT "
    f"holds {REPORTS}, {PROJECTIONS} and {KAGGLE_IMAGES}; lateral views are left out."
)


Views = Mapping[ImageKey, str]
Places = Mapping[ImageKey, str]


def read(collection: Collection) -> Reading:
    """Yield the frontal images of whichever form is there, and those whose view is not known."""
    names = collection.by_name(*IMAGE_FOLDERS)
    places = {image_key(name): names[name] for name in names if name.lower().endswith(ENDINGS)}
    if collection.first(REPORTS):
        return _from_tables(collection, places)
    return _from_xml(collection, places)


def _from_tables(collection: Collection, places: Places) -> Reading:
    table = collection.table(REPORTS, layout=LAYOUT)
    needed = ("uid", "MeSH", *SECTIONS)
    reports = {row["uid"]: _tabled(row) for row in collection.rows(table, needed)}
    for image, number, view in _projections(collection):
        if number in reports:
            yield _item(reports[number], image, view or "blank", places)
        else:
            yield LeftOut(image, NO_REPORT)


def _from_xml(collection: Collection, places: Places) -> Reading:
    files = collection.by_name(*XML_FOLDERS)
    names = sorted((n for n in files if n.endswith(".xml")), key=lambda name: (len(name), name))
    if not names:
        collection.table(REPORTS, layout=LAYOUT)
    views = {}
    if collection.first(PROJECTIONS):
        views = {image_key(image): view for image, _, view in _projections(collection)}
    for name in names:
        with collection.file(files[name]).open("rb") as file:
            xml = file.read(MOST_BYTES + 1)
        try:
            report = parse_report(name.removesuffix(".xml"), xml)
        except ManifestError:
            yield LeftOut(files[name], UNREADABLE)
            continue
        if not report.images:
            yield LeftOut(files[name], NO_IMAGE)
        for image in report.images:
            yield _item(report, image, views.get(image_key(image), ""), places)


def _projections(collection: Collection) -> Iterator[tuple[str, str, str]]:
    """Yield the name of each image, the number of its report, and its view in lower case."""
    table = collection.table(PROJECTIONS, layout=LAYOUT)
    for row in collection.rows(table, ("uid", "filename", "projection")):
        yield row["filename"], row["uid"], row["projection"].strip().lower()


def _tabled(row: Mapping[str, str]) -> OpeniReport:
    return OpeniReport(
        number=row["uid"],
        sections={name.upper(): text for name in SECTIONS if (text := row[name].strip())},
        headings=split_headings(row["MeSH"].split(HEADINGS_APART)),
    )


def _item(report: OpeniReport, image: str, view: str, places: Places) -> Record | LeftOut:
    if view not in ("", FRONTAL):
        return LeftOut(image, NOT_FRONTAL.get(view, NO_VIEW))
    key = image_key(image)
    usual = f"{KAGGLE_IMAGES}/{image}" if image.endswith(ENDINGS) else f"NLMCXR_png/{image}.png"
    truth = coded_truth(report.headings) if report.coded else {}
    return Record(
        id="CXR" + "_".join(key).replace("/", "%2F"),
        image=places.get(key, usual),
        patient=report.number,
        view=view,
        study=report.number,
        labels={finding: int(present) for finding, present in truth.items()},
        raw_labels="|".join(report.headings),
        unknown_words=unknown_headings(report.headings),
        report=report.text,
        report_sections={name.lower(): text for name, text in report.sections.items()},
    )


OPENI = Adapter(
    name="openi",
    dataset=DATASET,
    title="Open-i, the Indiana University chest X-rays (XML and Kaggle)",
    licence="CC BY-NC-ND 4.0",
    terms="Non-commercial use; credit Indiana University; changed copies may not be passed on.",
    citation="Demner-Fushman et al. 2016, doi:10.1093/jamia/ocv080",
    reference=(
        "Demner-Fushman D, Kohli MD, Rosenman MB, et al. Preparing a collection of radiology "
        "examinations for distribution and retrieval. Journal of the American Medical Informatics "
        "Association 23(2), 304-310 (2016), doi:10.1093/jamia/ocv080. Indiana University, by way "
        "of Open-i of the National Library of Medicine."
    ),
    words=WORDS,
    splits=HASHED,
    layout=LAYOUT,
    read=read,
)
