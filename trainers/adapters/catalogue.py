"""Every adapter of a public collection."""

from trainers.adapters.chexpert import CHEXPERT
from trainers.adapters.covid import COVID
from trainers.adapters.mimic_dicom import MIMIC_CXR
from trainers.adapters.mimic_jpg import MIMIC_CXR_JPG
from trainers.adapters.nih import NIH
from trainers.adapters.openi import OPENI
from trainers.adapters.padchest import PADCHEST
from trainers.adapters.record import Adapter
from trainers.adapters.rsna import RSNA
from trainers.adapters.siim import SIIM
from trainers.adapters.vindr import VINDR

ADAPTERS: tuple[Adapter, ...] = (
    NIH,
    CHEXPERT,
    VINDR,
    PADCHEST,
    RSNA,
    SIIM,
    COVID,
    MIMIC_CXR,
    MIMIC_CXR_JPG,
    OPENI,
)
