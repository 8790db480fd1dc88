"""What every adapter says: one radiograph, or what was left out and why."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from daug.findings import Finding
from trainers.adapters.collection import Collection
from trainers.adapters.label_words import LabelWords
from trainers.manifest import Box


@dataclass(frozen=True)
class Record:
    """One radiograph, as its collection describes it; blank where nothing is said."""

    id: str  # a plain name, unique within the collection
    image: str  # path from the collection's folder, parted by /
    patient: str = ""  # blank where the collection does not tell patients apart
    split: str = ""  # the collection's own; blank leaves it to the hash of the patient
    view: str = ""
    sex: str = ""
    age: str = ""
    width: str = ""  # of the original, in pixels
    height: str = ""
    study: str = ""
    study_date: str = ""  # YYYYMMDD
    study_order: str = ""  # digits that order a patient's studies
    labels: Mapping[Finding, int] = field(default_factory=dict)  # 1 / 0 / -1, unknown left out
    raw_labels: str = ""
    unknown_words: tuple[str, ...] = ()  # of raw_labels, those that the table does not have
    report: str = ""
    report_sections: Mapping[str, str] = field(default_factory=dict)  # "findings" -> text ...
    boxes: tuple[Box, ...] = ()
    licence: str = ""  # where an image has its own
    citation: str = ""  # where an image has one beside the collection's


@dataclass(frozen=True)
class LeftOut:
    """What the manifest does not hold though the collection lists it."""

    what: str
    reason: str  # the same words for the same reason, since they are counted
    a_box: bool = False  # only a box of a radiograph, not the radiograph


Reading = Iterator[Record | LeftOut]


@dataclass(frozen=True)
class Adapter:
    """A collection: what it is called, what it allows, how it is read."""

    name: str  # of the command
    dataset: str  # in the manifest; trainers/sources.py knows licences by it
    title: str
    licence: str  # short, for each row
    terms: str  # a sentence on what it allows
    citation: str  # short, for each row
    reference: str  # in full
    words: LabelWords
    splits: str  # a sentence on where the splits are from
    layout: str  # a sentence on what lies where in ROOT
    read: Callable[[Collection], Reading]
