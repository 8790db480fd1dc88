"""Where a report speaks of findings: phrases, and whether each is present, absent or uncertain.

    find_phrases("No effusion. Heart size is mildly enlarged, possibly edema.")
    -> "effusion" absent, "Heart size is mildly enlarged" present, "edema" uncertain

A reading aid in the tradition of NegEx: it knows words and their neighbourhood, not meaning. The
vocabulary and the cues are in `daug.phrases`. What a report says in
answer to nobody (indication, history, comparison, technique) is left out. The time taken is
proportional to the length of the report, whatever stands in it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from daug.case import FindingState
from daug.findings import Finding
from daug.phrases.cue_scope import ScopeReader
from daug.phrases.finding_words import (
    BONES_UNHURT,
    DECOYS,
    HINTS,
    MENTIONS,
    NORMAL,
    NOTHING_FOUND,
)
from daug.phrases.items import Item, Meaning, Mention, Unsaid, Verdict
from daug.phrases.negation_words import ANSWERING, ASKING, CUES, Cue
from daug.phrases.organ_verdicts import OrganReader
from daug.phrases.organ_words import ORGANS, VERDICTS
from daug.phrases.tokens import STOP, PhraseBook, Token, tokens_of


@dataclass(frozen=True)
class Phrase:
    """A part of a report that says something about a finding."""

    start: int  # characters from the beginning of the untouched report
    end: int  # behind the last character
    finding: Finding
    state: FindingState  # present, absent or uncertain


def find_phrases(report: str) -> tuple[Phrase, ...]:
    """Return what a report says about findings, in its order; no two phrases overlap.

    Args:
        report: Any text; it is read as English.
    """
    tokens = tokens_of(report)
    items = list(_items(tokens))
    drafts = ScopeReader(tokens).read(items) + OrganReader(tokens, items).read()
    drafts.sort(key=lambda draft: (draft.start, -draft.end))
    phrases: list[Phrase] = []
    for draft in drafts:
        start, end = tokens[draft.start].start, tokens[draft.end - 1].end
        if not phrases or phrases[-1].end <= start:
            phrases.append(Phrase(start, end, draft.finding, draft.state))
    return tuple(phrases)


def _items(tokens: Sequence[Token]) -> Iterator[Item]:
    """Yield every word or phrase with a meaning, the longest first, outside of what is asked."""
    book, at = _vocabulary(), 0
    asked = _asking_sections(tokens)
    next_asked = next(asked, None)
    while at < len(tokens):
        if next_asked is not None and at >= next_asked[0]:
            at = max(at, next_asked[1])
            next_asked = next(asked, None)
            continue
        found = book.longest(tokens, at)
        if found is None:
            at += 1
            continue
        meaning, behind = found
        yield Item(meaning, at, behind)
        at = behind


def _asking_sections(tokens: Sequence[Token]) -> Iterator[tuple[int, int]]:
    """Yield the sections that say what was asked: up to a blank line or the next heading.

    A heading behind which nothing else is headed rules over its own sentence only.
    """
    headings = list(_headings(tokens))
    for number, (start, first, asks) in enumerate(headings):
        following = headings[number + 1][0] if number + 1 < len(headings) else None
        if not asks:
            continue
        end = first
        limit = len(tokens) if following is None else following
        while end < limit and not _closes(tokens[end], sentence=following is None):
            end += 1
        yield start, end


def _closes(token: Token, *, sentence: bool) -> bool:
    return token.word == STOP and (sentence or token.end - token.start > 1)


def _headings(tokens: Sequence[Token]) -> Iterator[tuple[int, int, bool]]:
    """Yield where each heading begins and ends, and whether it is one that asks."""
    book, at = _heading_book(), 0
    while at < len(tokens):
        found = book.longest(tokens, at)
        if found and found[1] < len(tokens) and tokens[found[1]].word == ":":
            yield at, found[1] + 1, found[0]
            at = found[1]
        at += 1


@cache
def _heading_book() -> PhraseBook[bool]:
    book: PhraseBook[bool] = PhraseBook()
    book.add(ASKING, True)
    book.add(ANSWERING, False)
    return book


@cache
def _vocabulary() -> PhraseBook[Meaning]:
    book: PhraseBook[Meaning] = PhraseBook()
    book.add(DECOYS, Cue.NOTHING)
    for finding, phrases in MENTIONS.items():
        book.add(phrases, Mention(finding, FindingState.PRESENT))
    for finding, phrases in HINTS.items():
        book.add(phrases, Mention(finding, FindingState.UNCERTAIN))
    book.add(NORMAL, Mention(Finding.NO_FINDING, FindingState.PRESENT))
    book.add(BONES_UNHURT, Unsaid(Finding.FRACTURE, FindingState.ABSENT))
    book.add(NOTHING_FOUND, Unsaid(Finding.NO_FINDING, FindingState.PRESENT))
    for phrases, organ in ORGANS:
        book.add(phrases, organ)
    for name, phrases in VERDICTS.items():
        book.add(phrases, Verdict(name))
    for cue, phrases in CUES.items():
        book.add(phrases, cue)
    return book
