"""The labels of MIMIC-CXR-JPG: of studies, by two programs, and of the test set by a radiologist.

The radiologist's go before CheXpert's, and those before NegBio's: the first table that names a
study labels it, and what it leaves blank stays blank. All of them stand in `raw_labels`. The
radiologist's table has no patients and calls Lung Opacity "Airspace Opacity".
"""

from collections.abc import Mapping
from dataclasses import dataclass

from daug.findings import Finding
from trainers.adapters.collection import Collection
from trainers.adapters.label_words import DISEASES, EXACT, LabelWords
from trainers.manifest import LABELS

TABLES = {  # by whom -> where; the first that names a study labels it
    "radiologist": "mimic-cxr-2.1.0-test-set-labeled.csv",
    "chexpert": "mimic-cxr-2.0.0-chexpert.csv",
    "negbio": "mimic-cxr-2.0.0-negbio.csv",
}
NO_LABEL = "a label is not 1, 0, -1 or blank"
TWICE = "its study is labelled twice, and not alike"
CONTRADICTION = "No Finding beside a finding"
WORDS = LabelWords(
    {**EXACT, "Airspace Opacity": Finding.LUNG_OPACITY},
    "The collection's own columns are the fourteen findings; its table of radiologist's labels "
    "calls Lung Opacity Airspace Opacity. Of one study, a radiologist's labels go before "
    "CheXpert's, and those before NegBio's; raw_labels has all of them by name.",
)
Values = tuple[str, ...]  # of a row, in the order of the table's words


@dataclass(frozen=True)
class StudyLabels:
    """What is said of a study."""

    labels: Mapping[Finding, int]
    raw: str
    odd: tuple[str, ...] = ()  # what the labels say against each other
    wrong: str = ""  # why they cannot be used


class LabelTables:
    """All tables of labels that are there, by study."""

    def __init__(self, collection: Collection) -> None:
        """Read them; rows that say the same share their memory."""
        self._tables = {
            who: _Table(collection, path)
            for who, name in TABLES.items()
            if (path := collection.first(name)) is not None
        }

    def of(self, study: str) -> StudyLabels:
        """Return a study's labels, none if no table names it."""
        said = {who: t.rows[study] for who, t in self._tables.items() if study in t.rows}
        raw: list[str] = []
        for who, values in said.items():
            if values is None:
                return StudyLabels({}, "", wrong=TWICE)
            named = list(zip(self._tables[who].words, values, strict=True))
            if any(value and value not in LABELS for _, value in named):
                return StudyLabels({}, "", wrong=NO_LABEL)
            raw += [f"{who}:{word}={LABELS[value]}" for word, value in named if value]
        who = next(iter(said), "")
        labels = _labels(self._tables[who].words, said[who] or ()) if who else {}
        if labels.get(Finding.NO_FINDING) == 1 and any(labels.get(f) == 1 for f in DISEASES):
            del labels[Finding.NO_FINDING]  # a finding that is seen outweighs a conclusion
            return StudyLabels(labels, "|".join(raw), (CONTRADICTION,))
        return StudyLabels(labels, "|".join(raw))


class _Table:
    """One table: the values of each study, None where two rows of one study differ."""

    def __init__(self, collection: Collection, path: str) -> None:
        self.words: list[str] = []
        self.rows: dict[str, Values | None] = {}
        shared: dict[Values, Values] = {}  # half a million rows say some thousand things
        for row in collection.rows(path, ("study_id", Finding.CARDIOMEGALY)):
            self.words = self.words or [word for word in row if word in WORDS.table]
            values = tuple(row[word].strip() for word in self.words)
            values = shared.setdefault(values, values)
            study = row["study_id"].strip().removesuffix(".0")
            if self.rows.setdefault(study, values) != values:
                self.rows[study] = None


def _labels(words: list[str], values: Values) -> dict[Finding, int]:
    return {
        found: LABELS[value]
        for word, value in zip(words, values, strict=True)
        if value and (found := WORDS.table[word]) is not None
    }
