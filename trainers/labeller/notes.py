"""Labels from clinical notes: any labeller, shown only what a note says of the radiograph.

The patient's story names diseases that nobody saw on this radiograph, and a CT sees what it cannot
show. `daug.phrases.notes` says which sentences are which.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from daug.phrases.note_words import NoteWords
from daug.phrases.notes import Kind, image_text, sort_note
from trainers.labeller.labeller import Labeller, Labels

OTHER_KINDS = tuple(kind for kind in Kind if kind is not Kind.IMAGE)


class NoteLabeller:
    """Reads the sentences about the radiograph, and counts what the others would have said."""

    def __init__(self, labeller: Labeller, words: NoteWords | None = None) -> None:
        """Take what reads the sentences, and the words that they are sorted by."""
        self._labeller = labeller
        self._words = words
        self._sentences: Counter[Kind] = Counter()
        self._left_out: Counter[Kind] = Counter()

    @property
    def name(self) -> str:
        """What tables call it."""
        return f"{self._labeller.name}, image sentences of notes"

    def label(self, reports: Sequence[str]) -> list[Labels]:
        """Return the labels of what each note says of the radiograph, in their order."""
        notes = [sort_note(report, self._words) for report in reports]
        seen = self._labeller.label([image_text(note) for note in notes])
        for note in notes:
            self._sentences.update(passage.kind for passage in note)
        for kind in OTHER_KINDS:
            told = self._labeller.label([image_text(note, kind) for note in notes])
            alone = (labels.keys() - own.keys() for labels, own in zip(told, seen, strict=True))
            self._left_out[kind] += sum(map(len, alone))
        return seen

    def counts(self) -> dict[str, Any]:
        """Return the sentences of each kind, and the labels that stand in other kinds alone."""
        return {
            "sentences": {kind.value: self._sentences[kind] for kind in Kind},
            "labels_left_out": {kind.value: self._left_out[kind] for kind in OTHER_KINDS},
        }
