"""The words of a report with their places in it, and phrases of several words found among them.

Everything here takes time in proportion to the text, whatever the text is.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import product
from typing import Generic, TypeVar

STOP = "."  # the word that stands for the end of a sentence
ABBREVIATIONS = frozenset({"vs", "dr", "approx", "resp", "incl", "st", "fig", "figs"})
CLOSING = "\"')]}”’"
AMERICAN = (("oedema", "edema"), ("haem", "hem"), ("tumour", "tumor"), ("oesoph", "esoph"))
KEPT_WORDS = 20_000
_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|\n[ \t\r]*\n|[^\w\s]")

Entry = TypeVar("Entry")


@dataclass(frozen=True)
class Token:
    """A word or a sign of a report."""

    word: str  # as vocabularies spell it: lower case, American, without a genitive's 's
    start: int  # characters from the beginning of the report
    end: int


@lru_cache(maxsize=KEPT_WORDS)  # reports repeat their words
def spelled(word: str) -> str:
    """Return a word as vocabularies spell it."""
    word = word.lower().replace("’", "'").removesuffix("'s")
    for british, american in AMERICAN:
        word = word.replace(british, american)
    for ending in ("ised", "ising", "isation"):
        if word.endswith(ending):
            return word.removesuffix(ending) + ending.replace("is", "iz", 1)
    return word


def tokens_of(report: str) -> list[Token]:
    """Return the words and signs of a report; the end of a sentence is a token `STOP`.

    Left out are a hyphen inside a word ("air-space" is two words), a point inside a number, and
    what stands for a name that was taken out ("XXXX"). A blank line and a dash between blanks end
    a sentence; the point of an abbreviation does not.
    """
    tokens: list[Token] = []
    for found in _TOKEN.finditer(report):
        word = _sign(report, found.start(), tokens) if len(found[0]) == 1 else found[0]
        if word.isspace():
            word = STOP
        if word and not (len(word) > 2 and set(word) <= {"X", "x"}):
            tokens.append(Token(spelled(word), found.start(), found.end()))
    return tokens


def _sign(report: str, at: int, before: Sequence[Token]) -> str:
    """Return what a single character counts as; nothing if it is to be left out."""
    sign, left, right = report[at], report[at - 1 : at], report[at + 1 : at + 2]
    if sign in "-‐‑–":
        return "" if left.isalnum() and right.isalnum() else STOP
    if sign in "—!•*":
        return STOP
    if sign == ".":
        short = bool(before) and before[-1].end == at and before[-1].word in ABBREVIATIONS
        ends = not right or right.isspace() or right in CLOSING or right.isupper()
        return STOP if ends and not short else ""
    return sign


@dataclass
class _Node(Generic[Entry]):
    children: "dict[str, _Node[Entry]]" = field(default_factory=dict)
    entry: Entry | None = None


class PhraseBook(Generic[Entry]):
    """Phrases and what each of them means; the longest that begins at a word is found.

    A phrase is written as words between blanks. `a|b` is one word or the other, `a+` a word or its
    plural in s, and `a?` one that may be missing.
    """

    def __init__(self) -> None:
        self._root: _Node[Entry] = _Node()

    def add(self, phrases: str, entry: Entry) -> None:
        """Add phrases, one a line; one that is there already keeps its first meaning.

        Lines that begin with # are comments.
        """
        for line in map(str.strip, phrases.splitlines()):
            for words in () if line.startswith("#") else _spelled_out(line):
                self._add(words, entry)

    def _add(self, words: Iterable[str], entry: Entry) -> None:
        node = self._root
        for word in words:
            node = node.children.setdefault(spelled(word), _Node())
        if node.entry is None and node is not self._root:
            node.entry = entry

    def longest(self, tokens: Sequence[Token], at: int) -> tuple[Entry, int] | None:
        """Return the meaning of the longest phrase that begins at a token, and where it ends."""
        node, found = self._root, None
        for behind in range(at + 1, len(tokens) + 1):
            child = node.children.get(tokens[behind - 1].word)
            if child is None:
                break
            node = child
            if node.entry is not None:
                found = node.entry, behind
        return found


def _spelled_out(line: str) -> Iterator[tuple[str, ...]]:
    """Yield every way to read a line of a phrase book."""
    choices = [_choices(part) for part in line.split()]
    for words in product(*choices):
        yield tuple(word for word in words if word)


def _choices(part: str) -> list[str]:
    optional, part = part != "?" and part.endswith("?"), part if part == "?" else part.rstrip("?")
    words = []
    for word in part.split("|"):
        stem = word.removesuffix("+")
        words += [stem] if stem == word else [stem, f"{stem}s"]
    return [*words, ""] if optional else words
