"""The view of a radiograph: how the rays went, and the words that data sets have for it."""

from enum import StrEnum


class View(StrEnum):
    """How the rays went through the patient."""

    PA = "PA"
    AP = "AP"
    LATERAL = "lateral"
    UNKNOWN = "view not known"

    @classmethod
    def stated(cls, word: str) -> "View":
        """Return what a data set's word means: "AP Supine", "posteroanterior", "LL"."""
        word = word.strip().upper().replace("_", " ")
        if word.startswith(("PA", "POSTERO")):
            return cls.PA
        if word.startswith(("AP", "ANTERO")):
            return cls.AP
        if word in {"L", "LL", "RL"} or "LAT" in word:
            return cls.LATERAL
        return cls.UNKNOWN
