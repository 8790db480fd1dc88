"""An age as somebody states it: in years, as DICOM writes it, or "mid 50s"."""

import re

DECADE = re.compile(r"(?:(early|mid|late)[ -]?)?(\d)0'?s", re.IGNORECASE)
DICOM_AGE = re.compile(r"(\d{1,3})([DWMY])", re.IGNORECASE)
YEARS = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0}
WITHIN_DECADE = {"early": 2.0, "": 5.0, "mid": 5.0, "late": 8.0}
LARGEST_AGE = 125  # years; above it a number is a slip, not an age


def years(stated: str) -> float | None:
    """Return an age in years from "58", "058Y", "006M" or "mid 50s"; None from anything else."""
    stated = stated.strip()
    try:
        age = float(stated)
    except ValueError:
        decade, dicom = DECADE.fullmatch(stated), DICOM_AGE.fullmatch(stated)
        if decade:
            age = int(decade[2]) * 10 + WITHIN_DECADE[(decade[1] or "").lower()]
        elif dicom:
            age = int(dicom[1]) * YEARS[dicom[2].upper()]
        else:
            return None
    return age if 0 <= age <= LARGEST_AGE else None  # written so that NaN fails too
