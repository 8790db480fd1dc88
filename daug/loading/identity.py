"""Keyed hashes in place of who and when.

The key stays with the case library. Whoever has it can recognize a patient whose ID he knows;
whoever has it not can tell neither who nor when, only that two radiographs belong together and
which was taken first.

Identifiers that stand for "not known", such as ANONYMOUS or 000000, are no identifiers: kept, they
would make one patient of all the people who share them.
"""

import hashlib
import hmac
from datetime import datetime

from daug.radiograph import Pseudonym

HASH_CHARACTERS = 32  # hexadecimal, 128 bits: no two patients of one library will meet
SHIFT_BYTES = 6  # up to 2**48 seconds, some nine million years
ORDER_DIGITS = 16  # enough for any date and any shift

SHORTEST_NINES = 4  # 9999 stands for "unknown"; 9 and 99 are small numbers

# What stands in Patient ID where somebody was made nameless or no number was at hand, in
# capitals and without anything that is no letter or digit.
PLACEHOLDERS = {
    "12345",
    "123456",
    "1234567",
    "12345678",
    "123456789",
    "1234567890",
    "ANON",
    "ANONYM",
    "ANONYMIZED",
    "ANONYMISED",
    "ANONYMOUS",
    "ANONYMOUSPATIENT",
    "DEIDENTIFIED",
    "DUMMY",
    "EMERGENCY",
    "ID",
    "MISSING",
    "NA",
    "NIL",
    "NOID",
    "NONAME",
    "NONE",
    "NOTAVAILABLE",
    "NULL",
    "PATIENT",
    "PATIENTID",
    "PHANTOM",
    "REDACTED",
    "REMOVED",
    "TEST",
    "TESTPATIENT",
    "UNDEFINED",
    "UNK",
    "UNKNOWN",
}


def pseudonym(
    identity_key: bytes | None,
    *,
    patient_id: str,
    issuer: str,
    study_uid: str,
    study_date: str,
    study_time: str,
) -> Pseudonym:
    """Return what may be known of a patient and a study; nothing without a key.

    Args:
        identity_key: The library's secret.
        patient_id: Patient ID (0010,0020), or nothing; a placeholder counts as nothing.
        issuer: Issuer of Patient ID (0010,0021): two hospitals may both have a patient 1.
        study_uid: Study Instance UID (0020,000D), or nothing.
        study_date: YYYYMMDD.
        study_time: HHMMSS, or its beginning.
    """
    if identity_key is None:
        return Pseudonym()
    named = not is_placeholder(patient_id)
    patient = keyed_hash(identity_key, "patient", patient_id, issuer) if named else None
    study = keyed_hash(identity_key, "study", study_uid) if study_uid else None
    moment = _moment(study_date, study_time)
    if patient is None or moment is None:
        return Pseudonym(patient=patient, study=study)
    return Pseudonym(patient, study, _order(identity_key, patient, moment))


def is_placeholder(patient_id: str) -> bool:
    """Whether a Patient ID names nobody: empty, only zeros, X's or nines, or in PLACEHOLDERS.

    Case, spaces and punctuation do not count. "TEST 17" and "ANON-0042" tell people apart, and
    so do 1 and 9; they are identifiers.
    """
    bare = "".join(filter(str.isalnum, patient_id)).upper()
    if set(bare) == {"9"}:
        return len(bare) >= SHORTEST_NINES
    return set(bare) in (set(), {"0"}, {"X"}) or bare in PLACEHOLDERS


def _order(identity_key: bytes, patient: str, moment: datetime) -> str:
    """Return seconds since an unknown day, the same one for all studies of one patient.

    Texts of equal length sort as the studies do, and their difference is the time between
    them; the shift depends on key and patient, so that no date, weekday or hour is told.
    """
    digest = _digest(identity_key, "order", patient)
    shift = int.from_bytes(digest[:SHIFT_BYTES], "big")
    seconds = int((moment - datetime.min).total_seconds())
    return f"{seconds + shift:0{ORDER_DIGITS}d}"


def _moment(study_date: str, study_time: str) -> datetime | None:
    try:
        day = datetime.strptime(study_date.replace(".", ""), "%Y%m%d")  # old files have dots
    except ValueError:
        return None
    clock = study_time.replace(":", "").split(".")[0][:6].ljust(6, "0")
    try:
        return datetime.strptime(f"{day:%Y%m%d}{clock}", "%Y%m%d%H%M%S")
    except ValueError:
        return day


def keyed_hash(identity_key: bytes, *parts: str) -> str:
    """Return 32 hexadecimal characters that stand for some parts, kept apart."""
    return _digest(identity_key, *parts).hex()[:HASH_CHARACTERS]


def _digest(identity_key: bytes, *parts: str) -> bytes:
    """HMAC-SHA256 of the parts, kept apart so that "1" + "23" is not "12" + "3"."""
    message = "\0".join(parts).encode("utf-8", "surrogatepass")
    return hmac.new(identity_key, message, hashlib.sha256).digest()
