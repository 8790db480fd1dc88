"""Where a report speaks of findings: phrases, and whether each is present, absent or uncertain.

    find_phrases("No effusion. Heart size is mildly enlarged, possibly edema.")
    -> "effusion" absent, "Heart size is mildly enlarged" present, "edema" uncertain

A reading aid in the tradition of NegEx: it knows words and their neighbourhood, not meaning. The
vocabulary and the cues are files in `daug/phrases/words`. What a report says in
answer to nobody (indication, history, comparison, technique) is left out. The time taken is
proportional to the length of the report, whatever stands in it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from daug.case import FindingState
from daug.findings import Finding
from daug.phrases.cue_scope import ScopeReader
from daug.phrases.items import Draft, Item
from daug.phrases.organ_verdicts import OrganReader
from daug.phrases.sections import asking_sections
from daug.phrases.tokens import Token, tokens_of
from daug.phrases.vocabulary import Vocabulary, vocabulary


@dataclass(frozen=True)
class Phrase:
    """A part of a report that says something about a finding."""

    start: int  # characters from the beginning of the untouched report
    end: int  # behind the last character
    finding: Finding
    state: FindingState  # present, absent or uncertain


@dataclass(frozen=True)
class Reading:
    """What a report says about findings, and whether it names an abnormality beside them."""

    phrases: tuple[Phrase, ...]
    other_abnormality: bool  # one that is none of the fourteen: a hernia, a scar, scoliosis


def find_phrases(report: str, words: Vocabulary | None = None) -> tuple[Phrase, ...]:
    """Return what a report says about findings, in its order; no two phrases overlap.

    Args:
        report: Any text; it is read as English.
        words: What it is read by; the shipped vocabulary if none.
    """
    return read_report(report, words).phrases


def read_report(report: str, words: Vocabulary | None = None) -> Reading:
    """Return the phrases of a report, see `find_phrases`, and what else is abnormal."""
    words = words or vocabulary()
    tokens = tokens_of(report)
    items = list(_items(tokens, words))
    drafts = ScopeReader(tokens, words.bounds).read(items)
    other = any(d.finding is None and d.state is not FindingState.ABSENT for d in drafts)
    drafts += OrganReader(tokens, items, words.bounds).read()
    return Reading(tuple(_apart(tokens, drafts)), other)


def _apart(tokens: Sequence[Token], drafts: Sequence[Draft]) -> Iterator[Phrase]:
    """Yield the drafts about findings in their order; of two that overlap, the earlier, longer."""
    behind = 0
    for draft in sorted(drafts, key=lambda draft: (draft.start, -draft.end)):
        start, end = tokens[draft.start].start, tokens[draft.end - 1].end
        if draft.finding is not None and start >= behind:
            yield Phrase(start, end, draft.finding, draft.state)
            behind = end


def _items(tokens: Sequence[Token], words: Vocabulary) -> Iterator[Item]:
    """Yield every word or phrase with a meaning, the longest first, outside of what is asked."""
    book, at = words.book, 0
    asked = asking_sections(tokens, words.headings)
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
