"""Which finding a heading means that Open-i's coders gave to a report.

Each report of the Indiana University collection was coded by hand from its text, with headings such
as "Pleural Effusion/left/small" (Demner-Fushman et al. 2016, J Am Med Inform Assoc 23:304). A
heading says that something is present; the coders gave none for what is absent.
"""

import re
from collections.abc import Sequence

from daug.findings import Finding
from trainers.adapters.label_words import LabelWords

NORMAL_HEADING, UNCODED = "normal", "no indexing"

PRESENT = {  # from the beginning of a heading in lower case
    Finding.ENLARGED_CARDIOMEDIASTINUM: r"mediastinum/.*(enlarged|prominent|wid)",
    Finding.CARDIOMEGALY: r"cardiomegaly|cardiac shadow/.*enlarged|heart/.*enlarged"
    r"|heart (ventricles|atria)/.*(enlarged|hypertrophy)",
    Finding.LUNG_OPACITY: r"opacity|airspace disease|infiltrate|density/(lung|.*base|.*lobe)"
    r"|markings/.*(interstitial|reticular|prominent)|lung diseases, interstitial",
    Finding.LUNG_LESION: r"nodule|mass(/|$)|lung neoplasms|cavitation|neoplasm",
    Finding.EDEMA: r"pulmonary edema|heart failure",
    Finding.CONSOLIDATION: r"consolidation",
    Finding.PNEUMONIA: r"pneumonia",
    Finding.ATELECTASIS: r"pulmonary atelectasis",
    Finding.PNEUMOTHORAX: r"(hydro|hemo)?pneumothorax",
    Finding.PLEURAL_EFFUSION: r"pleural effusion|hydropneumothorax|hemothorax|hemopneumothorax",
    Finding.PLEURAL_OTHER: r"(thickening|calcinosis|cicatrix|opacity)/.*pleura|pleura(/|$)",
    Finding.FRACTURE: r"fractures, bone",
    Finding.SUPPORT_DEVICES: r"catheters, indwelling|implanted medical device|medical device"
    r"|tube, inserted|stents",
}
LEFT_OPEN = {  # headings that do not decide: such reports are not scored for the finding
    Finding.ENLARGED_CARDIOMEDIASTINUM: r"cardiac shadow",
    Finding.CARDIOMEGALY: r"cardiac shadow/.*borderline",
    Finding.LUNG_OPACITY: r"consolidation|density|markings",
    Finding.LUNG_LESION: r"(opacity|density)/.*round",  # how nodular opacities are coded
    Finding.EDEMA: r"pulmonary congestion",
    Finding.PLEURAL_EFFUSION: r"costophrenic|sulcus",
    Finding.FRACTURE: r"deformity",
    Finding.SUPPORT_DEVICES: r"surgical instruments|spinal fusion|foreign bodies|sutures",
}
OTHERS = (  # beginnings that mean none of the fourteen
    *("lung", "calcinosis", "calcified granuloma", "granuloma", "granulomatous disease"),
    *("cicatrix", "thickening", "markings", "density", "lucency", "volume loss", "shift"),
    *("thoracic vertebrae", "lumbar vertebrae", "cervical vertebrae", "spine", "scoliosis"),
    *("kyphosis", "spondylosis", "osteophyte", "osteoporosis", "sclerosis", "arthritis"),
    *("hyperostosis", "bone", "expansile bone", "ribs", "humerus", "shoulder", "dislocations"),
    *("aorta", "aortic aneurysm", "atherosclerosis", "blood vessels", "pulmonary artery"),
    *("hypertension, pulmonary", "hypovolemia", "heart", "cardiac shadow", "mediastinum"),
    *("pericardial effusion", "epicardial fat", "mediastinal emphysema", "lymph nodes"),
    *("diaphragm", "hernia", "costophrenic angle", "sulcus", "pulmonary congestion"),
    *("emphysema", "pulmonary emphysema", "bullous emphysema", "subcutaneous +emphysema"),
    *("pulmonary disease, chronic obstructive", "pulmonary fibrosis", "fibrosis"),
    *("bronchi", "cystic fibrosis", "cysts", "blister", "sarcoidosis", "tuberculosis"),
    *("pneumonectomy", "pneumoperitoneum", "mastectomy", "breast implants", "nipple shadow"),
    *("funnel chest", "pectus carinatum", "thorax", "trachea", "adipose tissue", "abdomen"),
    *("cholelithiasis", "colonic interposition", "deformity", "foreign bodies", "sutures"),
    *("surgical instruments", "spinal fusion", "contrast media", "technical quality"),
)
WORDS = LabelWords(
    {
        NORMAL_HEADING: Finding.NO_FINDING,
        **{beginning: finding for finding, beginning in PRESENT.items()},
        **dict.fromkeys((*OTHERS, UNCODED)),
    },
    "Headings that coders gave to each report after reading it (Demner-Fushman et al. 2016, "
    "doi:10.1093/jamia/ocv080). The left side is how a heading begins, as a regular expression. "
    "What the coders gave no heading is absent; where a heading leaves a finding open, and in "
    "reports that were not coded, nothing is known.",
)
KNOWN = re.compile("|".join(f"(?:{beginning})" for beginning in WORDS.table))
# Where nothing else is coded, whether there is No Finding depends on whom one asks.
BESIDE_NORMAL = re.compile(
    f"{PRESENT[Finding.SUPPORT_DEVICES]}|{LEFT_OPEN[Finding.SUPPORT_DEVICES]}"
    "|technical quality|lung/hypoinflation|nipple shadow|contrast media"
)


def coded_truth(headings: Sequence[str]) -> dict[Finding, bool]:
    """Return which findings a report's headings say are there; what is left open is left out.

    Args:
        headings: Of one report, in lower case, without "no indexing".
    """
    truth = {
        finding: present
        for finding in PRESENT
        if (present := _any(PRESENT[finding], headings))
        or not _any(LEFT_OPEN.get(finding, r"(?!)"), headings)
    }
    if NORMAL_HEADING in headings:
        truth[Finding.NO_FINDING] = True
    elif not all(BESIDE_NORMAL.match(heading) for heading in headings):
        truth[Finding.NO_FINDING] = False
    return truth


def unknown_headings(headings: Sequence[str]) -> tuple[str, ...]:
    """Return the headings, in lower case, that no beginning in the table has."""
    return tuple(heading for heading in headings if not KNOWN.match(heading))


def _any(pattern: str, headings: Sequence[str]) -> bool:
    return any(re.match(pattern, heading) for heading in headings)
