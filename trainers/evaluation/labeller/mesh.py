"""Which finding a heading means that Open-i's coders gave to a report.

Each report of the Indiana University collection was coded by hand from its text, with headings such
as "Pleural Effusion/left/small" (Demner-Fushman et al. 2016, J Am Med Inform Assoc 23:304). A
heading says that something is present; the coders gave none for what is absent.
"""

import re
from collections.abc import Sequence

from daug.findings import Finding

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


def _any(pattern: str, headings: Sequence[str]) -> bool:
    return any(re.match(pattern, heading) for heading in headings)
