"""Sorts a clinical note: what describes the radiograph, what another examination, what the patient.

    sort_note("She had fever for a week. Chest X-ray shows an effusion, while CT shows a nodule.")
    -> history        "She had fever for a week."
       image          "Chest X-ray shows an effusion"
       other imaging  ", while CT shows a nodule."

It knows words, not meaning; they are in the file `notes.toml`. Where words leave it open, the
sentence counts as history rather than as a description of the radiograph. The time taken is
proportional to the length of the note.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from daug.phrases.note_words import Heading, NoteWords, Sign, note_words
from daug.phrases.tokens import STOP, Token, tokens_of

IMAGING = {Sign.RADIOGRAPH, Sign.OTHER_IMAGING}


class Kind(StrEnum):
    """What a part of a note is about."""

    IMAGE = "image"  # the radiograph
    OTHER_IMAGING = "other imaging"
    HISTORY = "history"  # the patient: history, course, treatment, laboratory


@dataclass(frozen=True)
class Passage:
    """A sentence of a note, or a part of one."""

    kind: Kind
    text: str  # without its heading


@dataclass(frozen=True)
class _Part:
    start: int  # tokens
    end: int
    signs: tuple[Sign, ...]  # in their order


def sort_note(note: str, words: NoteWords | None = None) -> tuple[Passage, ...]:
    """Return the sentences of a note in their order, cut where one tells of several things.

    Args:
        note: Any text; it is read as English.
        words: What it is sorted by; the shipped words if none.
    """
    words = words or note_words()
    tokens = tokens_of(note)
    found: list[Passage] = []
    before, ruling = Kind.HISTORY, None
    for start, end in _sentences(tokens):
        heading, start = _heading(tokens, start, end, words)
        ruling = heading if heading in {Heading.IMAGE, Heading.STORY} else ruling
        if start == end:
            continue
        here = heading or ruling
        if heading is not None:
            before = Kind.IMAGE if heading is Heading.IMAGE else Kind.HISTORY
        for kind, part in _sorted(_parts(tokens, start, end, words), before, here):
            found.append(Passage(kind, note[tokens[part.start].start : tokens[part.end - 1].end]))
            before = kind
    return tuple(found)


def image_text(passages: Sequence[Passage], kind: Kind = Kind.IMAGE) -> str:
    """Return what is said of the radiograph, or of another kind, a paragraph a passage."""
    return "\n\n".join(passage.text for passage in passages if passage.kind is kind)


def _sentences(tokens: Sequence[Token]) -> Iterator[tuple[int, int]]:
    start = 0
    for at, token in enumerate(tokens):
        if token.word == STOP:
            if at > start:
                yield start, at
            start = at + 1
    if start < len(tokens):
        yield start, len(tokens)


def _heading(
    tokens: Sequence[Token], start: int, end: int, words: NoteWords
) -> tuple[Heading | None, int]:
    """Return the heading that a sentence begins with, if any, and where what it heads begins."""
    found = words.headings.longest(tokens, start)
    if found and found[1] < end and tokens[found[1]].word == ":":
        return found[0], found[1] + 1
    return None, start


def _parts(tokens: list[Token], start: int, end: int, words: NoteWords) -> list[_Part]:
    """Return a sentence, cut if it names a picture and something else."""
    signs: list[list[Sign]] = [[]]
    cuts, at = [start], start
    while at < end:
        found = words.sign(tokens, at)
        if found is None and at > start and tokens[at].word in words.cuts:
            cuts.append(at)
            signs.append([])
        if found is not None and found[0] is not Sign.NOTHING:
            signs[-1].append(found[0])
        at = at + 1 if found is None else min(found[1], end)
    every = tuple(sign for of_part in signs for sign in of_part)
    kinds = set(every) - {Sign.SEEN}
    if len(kinds) < 2 or not kinds & IMAGING:
        return [_Part(start, end, every)]
    bounds = zip(cuts, [*cuts[1:], end], signs, strict=True)
    return [_Part(first, behind, tuple(told)) for first, behind, told in bounds]


def _sorted(
    parts: Sequence[_Part], before: Kind, ruling: Heading | None
) -> list[tuple[Kind, _Part]]:
    """Return the parts of a sentence with their kinds, neighbours of one kind joined."""
    if len(parts) == 1:
        return [(_kind_alone(parts[0].signs, before, ruling), parts[0])]
    joined: list[tuple[Kind, _Part]] = []
    for kind, part in zip(_kinds_together([part.signs for part in parts]), parts, strict=True):
        if joined and joined[-1][0] is kind:
            last = joined.pop()[1]
            part = _Part(last.start, part.end, last.signs + part.signs)
        joined.append((kind, part))
    return joined


def _named(signs: Sequence[Sign]) -> Kind | None:
    """Return the kind of the examination that is named first."""
    for sign in signs:
        if sign in IMAGING:
            return Kind.IMAGE if sign is Sign.RADIOGRAPH else Kind.OTHER_IMAGING
    return None


def _kind_alone(signs: Sequence[Sign], before: Kind, ruling: Heading | None) -> Kind:
    """Return the kind of a whole sentence."""
    named = _named(signs)
    if named is not None:
        return named
    if not signs:
        return before
    if ruling is Heading.IMAGE:
        return Kind.IMAGE if Sign.SEEN in signs else Kind.HISTORY
    if ruling is not None or signs[0] is Sign.CLINICAL:
        return Kind.HISTORY
    return Kind.OTHER_IMAGING if before is Kind.OTHER_IMAGING else Kind.IMAGE


def _kinds_together(parts: Sequence[Sequence[Sign]]) -> list[Kind]:
    """Return the kinds of the parts of a sentence that names an examination.

    What is seen goes with the examination that was named last, or else with the next; what names
    nothing goes with the part before it, or else with the next.
    """
    kinds: list[Kind | None] = []
    examination = None
    first = next((found for signs in parts if (found := _named(signs))), Kind.IMAGE)
    for signs in parts:
        examination = _named(signs) or examination
        if _named(signs) or (signs and signs[0] is Sign.SEEN):
            kinds.append(examination or first)
        elif signs:
            kinds.append(Kind.HISTORY)
        else:
            kinds.append(kinds[-1] if kinds else None)
    known = next(kind for kind in kinds if kind is not None)
    return [kind or known for kind in kinds]
