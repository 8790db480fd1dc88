"""PadChest: 160,868 radiographs of 67,625 patients, 174 labels by physicians or a program.

Traps: labels are Python lists in text, with stray spaces; `exclude` marks what is no usable chest
radiograph; images are 16-bit PNG in the folders 0 to 54, a few of them broken; reports are Spanish
and stemmed; the year of birth stands for the age.
"""

import ast
from collections.abc import Mapping

from daug.findings import Finding
from trainers.adapters.collection import Collection, Place
from trainers.adapters.label_words import LabelWords, closed_labels
from trainers.adapters.record import Adapter, LeftOut, Reading, Record
from trainers.adapters.splits import HASHED

DATASET = "padchest"
TABLE = "PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv"
NEEDED = ("ImageID", "ImageDir", "PatientID", "Labels")
NO_CHEST = {"COSTAL": "it shows ribs, not the chest", "EXCLUDE": "its projection is excluded"}
LONGEST_LIST = 10_000  # characters; a longer list of labels is none
LAYOUT = f"ROOT holds {TABLE} and the folders 0 to 54 (or the images themselves)."
_MEANT: Mapping[Finding, tuple[str, ...]] = {
    Finding.NO_FINDING: ("normal",),
    Finding.ENLARGED_CARDIOMEDIASTINUM: (
        *("mediastinal enlargement", "superior mediastinal enlargement"),
    ),
    Finding.CARDIOMEGALY: ("cardiomegaly",),
    Finding.LUNG_OPACITY: (
        *("infiltrates", "alveolar pattern", "interstitial pattern", "ground glass pattern"),
        *("reticular interstitial pattern", "reticulonodular interstitial pattern"),
        *("miliary opacities", "increased density"),
    ),
    Finding.LUNG_LESION: (
        *("nodule", "multiple nodules", "mass", "pulmonary mass", "cavitation"),
        *("lung metastasis",),
    ),
    Finding.EDEMA: ("pulmonary edema",),
    Finding.CONSOLIDATION: ("consolidation",),
    Finding.PNEUMONIA: ("pneumonia", "atypical pneumonia"),
    Finding.ATELECTASIS: (
        *("atelectasis", "laminar atelectasis", "lobar atelectasis", "segmental atelectasis"),
        *("total atelectasis", "round atelectasis", "atelectasis basal"),
    ),
    Finding.PNEUMOTHORAX: ("pneumothorax", "hydropneumothorax"),
    Finding.PLEURAL_EFFUSION: (
        *("pleural effusion", "loculated pleural effusion", "loculated fissural effusion"),
    ),
    Finding.PLEURAL_OTHER: (
        *("pleural thickening", "apical pleural thickening", "calcified pleural thickening"),
        *("major fissure thickening", "minor fissure thickening", "fissure thickening"),
        *("pleural plaques", "calcified pleural plaques", "pleural mass"),
    ),
    Finding.FRACTURE: (
        *("fracture", "rib fracture", "clavicle fracture", "humeral fracture"),
        *("vertebral fracture", "callus rib fracture"),
    ),
    Finding.SUPPORT_DEVICES: (
        *("NSG tube", "endotracheal tube", "tracheostomy tube", "chest drain tube"),
        *("gastrostomy tube", "ventriculoperitoneal drain tube", "catheter", "double J stent"),
        *("central venous catheter", "central venous catheter via jugular vein"),
        *("central venous catheter via subclavian vein", "reservoir central venous catheter"),
        *("central venous catheter via umbilical vein", "electrical device", "pacemaker"),
        *("single chamber device", "dual chamber device", "dai", "endoprosthesis"),
        *("artificial heart valve", "artificial aortic heart valve"),
        *("artificial mitral heart valve",),
    ),
}
_NONE_OF_THE_FOURTEEN = (
    *("unchanged", "suboptimal study", "exclude", "COPD signs", "air trapping", "emphysema"),
    *("aortic elongation", "aortic atheromatosis", "aortic button enlargement"),
    *("descendent aortic elongation", "supra aortic elongation", "ascendent aortic elongation"),
    *("scoliosis", "kyphosis", "vertebral degenerative changes", "vertebral compression"),
    *("vertebral anterior compression", "costophrenic angle blunting", "hiatal hernia"),
    *("chronic changes", "fibrotic band", "bronchiectasis", "bronchovascular markings"),
    *("hilar enlargement", "vascular hilar enlargement", "hilar congestion"),
    *("hemidiaphragm elevation", "diaphragmatic eventration", "flattened diaphragm", "granuloma"),
    *("calcified granuloma", "calcified densities", "calcified adenopathy", "adenopathy"),
    *("pseudonodule", "nipple shadow", "end on vessel", "volume loss", "pulmonary fibrosis"),
    *("sternotomy", "suture material", "surgery", "surgery neck", "surgery breast"),
    *("surgery lung", "surgery heart", "metal", "osteosynthesis material", "mastectomy"),
    *("prosthesis", "mammary prosthesis", "humeral prosthesis", "heart insufficiency"),
    *("tuberculosis", "tuberculosis sequelae", "goiter", "tracheal shift", "pneumoperitoneo"),
    *("mediastinic lipomatosis", "gynecomastia", "axial hyperostosis", "osteopenia"),
    *("osteoporosis", "hyperinflated lung", "azygos lobe", "cervical rib", "bullas"),
    *("subcutaneous emphysema", "pulmonary artery enlargement", "sclerotic bone lesion"),
    *("lytic bone lesion", "blastic bone lesion", "bone metastasis", "thoracic cage deformation"),
    *("post radiotherapy changes", "respiratory distress", "pulmonary hypertension"),
    *("lymphangitis carcinomatosa", "lepidic adenocarcinoma", "empyema", "asbestosis signs"),
)
WORDS = LabelWords(
    {
        **{word: finding for finding, words in _MEANT.items() for word in words},
        **dict.fromkeys(_NONE_OF_THE_FOURTEEN),
    },
    "The tree of findings of Bustos et al. 2020 (devices, fractures, atelectases with what is "
    "below them) and the phrases of the CheXpert labeller (Irvin et al. 2019).",
)
ASKED = frozenset(_MEANT)


def read(collection: Collection) -> Reading:
    """Yield every chest radiograph of the table."""
    for row in collection.rows(collection.table(TABLE, layout=LAYOUT), NEEDED):
        name, projection = row["ImageID"], row.get("Projection", "")
        words = _listed(row["Labels"])
        if words is None:
            yield LeftOut(name, "its labels are no list")
        elif "exclude" in words:
            yield LeftOut(name, "it is labelled exclude")
        elif projection in NO_CHEST:
            yield LeftOut(name, NO_CHEST[projection])
        else:
            yield _record(collection, row, words, projection)


def _record(
    collection: Collection, row: Mapping[str, str], words: list[str], projection: str
) -> Record:
    name, patient = row["ImageID"], row["PatientID"]
    in_folder = f"{row['ImageDir'].removesuffix('.0')}/{name}"
    flat = collection.place(in_folder) is Place.MISSING and collection.place(name) is Place.INSIDE
    date = row.get("StudyDate_DICOM", "").removesuffix(".0")
    return Record(
        id=name.removesuffix(".png").replace("/", "%2F"),
        image=name if flat else in_folder,
        patient=patient,
        view=projection,
        sex=row.get("PatientSex_DICOM", ""),
        age=_age(date, row.get("PatientBirth", "").removesuffix(".0")),
        study=row.get("StudyID", ""),
        study_date=date,
        labels=closed_labels(WORDS.findings(words), ASKED) if words else {},
        raw_labels="|".join(words),
        unknown_words=WORDS.unknown(words),
        report=row.get("Report", ""),
    )


def _listed(text: str) -> list[str] | None:
    """Return the words of a list written as Python writes it; nothing is evaluated."""
    if not text.strip():
        return []
    if len(text) > LONGEST_LIST:
        return None
    try:
        values = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        return None
    return [word for value in values if (word := value.strip())]


def _age(date: str, born: str) -> str:
    """Return full years to within one, blank if either year is not known."""
    known = date[:4].isdecimal() and born.isdecimal()
    age = int(date[:4]) - int(born) if known else -1
    return str(age) if 0 <= age <= 120 else ""


PADCHEST = Adapter(
    name="padchest",
    dataset=DATASET,
    title="PadChest",
    licence="PadChest Dataset Research Use Agreement",
    terms="Personal, non-commercial research; the images may not be passed on.",
    citation="Bustos et al. 2020, doi:10.1016/j.media.2020.101797",
    reference=(
        "Bustos A, Pertusa A, Salinas JM, de la Iglesia-Vayá M. PadChest: A large chest x-ray "
        "image dataset with multi-label annotated reports. Medical Image Analysis 66, 101797 "
        "(2020), doi:10.1016/j.media.2020.101797, arXiv:1901.07441."
    ),
    words=WORDS,
    splits=HASHED,
    layout=LAYOUT,
    read=read,
)
