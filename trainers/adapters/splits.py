"""A split by patient where a collection has none of its own.

It rests on a hash of the data set's and the patient's name alone: the same patient is in the same
split on every machine, in every release, and whatever else is in the folder.
"""

from hashlib import sha256

VAL_SHARE, TEST_SHARE = 0.1, 0.1
HASHED = (
    "by a hash of the patient: 80 % of patients train, 10 % val, 10 % test, the same everywhere"
)


def hashed_split(dataset: str, patient: str) -> str:
    """Return train, val or test for a patient."""
    place = _place(dataset, patient)
    if place < TEST_SHARE:
        return "test"
    return "val" if place < TEST_SHARE + VAL_SHARE else "train"


def train_or_val(dataset: str, patient: str) -> str:
    """Return train or val for a patient, where the collection names its test set alone."""
    return "val" if _place(dataset, patient) < VAL_SHARE else "train"


def _place(dataset: str, patient: str) -> float:
    """Return where in [0, 1) a patient falls."""
    digest = sha256(f"{dataset}/{patient}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
