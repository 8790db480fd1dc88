"""What each known data set allows its images to train, and whom to name for it.

A source that is not in the table is the user's own: it may train anything here, and whether the
weights may be passed on is for its owner to say.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from daug.errors import ManifestError


class MayTrain(IntEnum):
    """What weights trained on a source may do if they are passed on."""

    NOTHING = 0  # verification only
    RECOGNISE = 1  # classify, segment, embed; never redraw an image
    DRAW = 2  # anything


@dataclass(frozen=True)
class Source:
    """A data set."""

    name: str
    may_train: MayTrain
    licence: str
    attribution: str


SOURCES = {
    source.name: source
    for source in (
        Source(
            "nih",
            MayTrain.DRAW,
            "no restriction on use; credit the NIH Clinical Center",
            "NIH Clinical Center. Wang et al. 2017, ChestX-ray8, CVPR, arXiv:1705.02315",
        ),
        Source(
            "kermany",
            MayTrain.DRAW,
            "CC BY 4.0",
            "Kermany, Zhang, Goldbaum 2018, Labeled Optical Coherence Tomography and Chest X-Ray "
            "Images for Classification, Mendeley Data, doi:10.17632/rscbjbr9sj",
        ),
        Source(
            "hannover",
            MayTrain.DRAW,
            "CC BY 3.0",
            "Winther et al. 2020, COVID-19 Image Repository, Hannover Medical School, "
            "doi:10.6084/m9.figshare.12275009",
        ),
        Source(
            "cxnet",
            MayTrain.DRAW,
            "CC BY 4.0 as published; images gathered from third parties",
            "Haghanifar et al. 2020, COVID-CXNet, doi:10.6084/m9.figshare.12580328",
        ),
        Source(
            "jsrt",
            MayTrain.RECOGNISE,
            "research and education; cite",
            "Japanese Society of Radiological Technology. Shiraishi et al. 2000, "
            "American Journal of Roentgenology 174, 71-74",
        ),
        Source(
            "cohen",
            MayTrain.NOTHING,
            "per image, many non-commercial",
            "Cohen et al. 2020, COVID-19 Image Data Collection, arXiv:2006.11988",
        ),
        Source("tbx11k", MayTrain.NOTHING, "unstated", "Liu et al. 2020, TBX11K, CVPR"),
        Source("figure1", MayTrain.NOTHING, "unstated", "Figure 1 COVID-19 Chest X-ray Dataset"),
        Source("actualmed", MayTrain.NOTHING, "unstated", "Actualmed COVID-19 Chest X-ray Dataset"),
        Source("talocovid", MayTrain.NOTHING, "research", "Talo COVID-19 radiographs"),
        Source(
            "chexpert", MayTrain.NOTHING, "research use agreement", "Irvin et al. 2019, CheXpert"
        ),
        Source(
            "mimic",
            MayTrain.NOTHING,
            "PhysioNet Credentialed Health Data License 1.5.0",
            "Johnson et al. 2019, MIMIC-CXR",
        ),
        Source("vindr", MayTrain.NOTHING, "data use agreement", "Nguyen et al. 2022, VinDr-CXR"),
        Source("padchest", MayTrain.NOTHING, "research use", "Bustos et al. 2020, PadChest"),
        Source("openi", MayTrain.NOTHING, "CC BY-NC-ND 4.0", "Demner-Fushman et al. 2016, Open-i"),
        Source("rsna", MayTrain.NOTHING, "non-commercial", "RSNA Pneumonia Challenge 2018"),
        Source("siim", MayTrain.NOTHING, "non-commercial", "SIIM-ACR Pneumothorax 2019"),
    )
}


def allowed_sources(names: Iterable[str], needed: MayTrain) -> tuple[str, ...]:
    """Return the sources that may train a model of a kind, in alphabetical order.

    Raises:
        ManifestError: If there is none; whoever may use one all the same names it.
    """
    known = sorted(set(names))
    allowed = [n for n in known if n not in SOURCES or SOURCES[n].may_train >= needed]
    if not allowed:
        raise ManifestError(
            f"The licences of {', '.join(known) or 'no source at all'} do not allow weights of "
            "this model to be passed on. Add a source that does, or name with --sources what you "
            "may use and keep the weights to yourself."
        )
    return tuple(allowed)
