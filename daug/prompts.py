"""How findings are put into words for a CLIP text tower.

Several sentences stand for one finding; their embeddings are averaged (Radford et al. 2021, "CLIP",
arXiv:2103.00020, section 3.1.4), so that no single wording decides. The first template is that of
Jin et al. 2024, "DAug", arXiv:2412.04828.

Text towers are weak at negation: "no finding" lies close to "finding". So the prompts of No
Finding say what a normal radiograph does show, and no prompt here says what is not there.
"""

from collections.abc import Mapping

from daug.findings import Finding

TEMPLATES = (
    "A photo of a chest X-ray image with {}",
    "A chest radiograph showing {}.",
    "Frontal chest X-ray: {}.",
    "Findings: {}.",
)

NORMAL = (
    "A photo of a normal chest X-ray image",
    "A chest radiograph showing a normal heart and clear lungs.",
    "Frontal chest X-ray: normal.",
    "Findings: clear lungs, normal heart size.",
)

PHRASES: Mapping[Finding, str] = {
    Finding.ENLARGED_CARDIOMEDIASTINUM: "an enlarged cardiomediastinum",
    Finding.CARDIOMEGALY: "cardiomegaly",
    Finding.LUNG_OPACITY: "a lung opacity",
    Finding.LUNG_LESION: "a lung lesion",
    Finding.EDEMA: "pulmonary edema",
    Finding.CONSOLIDATION: "consolidation",
    Finding.PNEUMONIA: "pneumonia",
    Finding.ATELECTASIS: "atelectasis",
    Finding.PNEUMOTHORAX: "a pneumothorax",
    Finding.PLEURAL_EFFUSION: "a pleural effusion",
    Finding.PLEURAL_OTHER: "pleural thickening",
    Finding.FRACTURE: "a rib fracture",
    Finding.SUPPORT_DEVICES: "support devices",
}


def class_prompts() -> dict[Finding, tuple[str, ...]]:
    """Return the sentences that stand for each finding, as many for each."""
    return {
        finding: NORMAL
        if finding is Finding.NO_FINDING
        else tuple(template.format(PHRASES[finding]) for template in TEMPLATES)
        for finding in Finding
    }
