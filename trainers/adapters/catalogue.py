"""Every adapter of a public collection."""

from trainers.adapters.chexpert import CHEXPERT
from trainers.adapters.covid import COVID
from trainers.adapters.nih import NIH
from trainers.adapters.padchest import PADCHEST
from trainers.adapters.record import Adapter
from trainers.adapters.rsna import RSNA
from trainers.adapters.siim import SIIM
from trainers.adapters.vindr import VINDR

ADAPTERS: tuple[Adapter, ...] = (NIH, CHEXPERT, VINDR, PADCHEST, RSNA, SIIM, COVID)
