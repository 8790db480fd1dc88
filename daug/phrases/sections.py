"""Sections of a report: which answer, and which only say what was asked.

Indication, history, comparison and technique name findings that nobody has seen on this radiograph.
"""

from collections.abc import Iterator, Sequence

from daug.phrases.tokens import STOP, PhraseBook, Token, tokens_of
from daug.phrases.vocabulary import Vocabulary, vocabulary


def answering_text(report: str, words: Vocabulary | None = None) -> str:
    """Return a report without the sections that say what was asked, headings and all.

    Args:
        report: Any text.
        words: What tells headings; the shipped vocabulary if none.
    """
    tokens = tokens_of(report)
    kept, behind = [], 0
    for first, end in asking_sections(tokens, (words or vocabulary()).headings):
        kept.append(report[behind : tokens[first].start])
        behind = tokens[end - 1].end
    return "".join((*kept, report[behind:]))


def asking_sections(tokens: Sequence[Token], book: PhraseBook[bool]) -> Iterator[tuple[int, int]]:
    """Yield the sections that say what was asked: up to a blank line or the next heading.

    A heading behind which nothing else is headed rules over its own sentence only.
    """
    headings = list(_headings(tokens, book))
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


def _headings(tokens: Sequence[Token], book: PhraseBook[bool]) -> Iterator[tuple[int, int, bool]]:
    """Yield where each heading begins and ends, and whether it is one that asks."""
    at = 0
    while at < len(tokens):
        found = book.longest(tokens, at)
        if found and found[1] < len(tokens) and tokens[found[1]].word == ":":
            yield at, found[1] + 1, found[0]
            at = found[1]
        at += 1
