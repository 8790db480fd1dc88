"""The words of the files, arranged for reading: one book of phrases with their meanings."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from daug.case import FindingState
from daug.phrases.cues import Cue
from daug.phrases.items import Meaning, Mention, Organ, Unsaid, Verdict
from daug.phrases.tokens import PhraseBook
from daug.phrases.word_files import SHIPPED_WORDS, Words, read_words


@dataclass(frozen=True)
class Bounds:
    """Words that bound the reach of cues and verdicts."""

    restarts: frozenset[str]
    clause_verbs: frozenset[str]
    seen_words: frozenset[str]
    between_no_and_disease: frozenset[str]
    sentence_signs: frozenset[str]
    organ_fillers: frozenset[str]


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """What reports are read by."""

    book: PhraseBook[Meaning]
    headings: PhraseBook[bool]  # whether the section says what was asked
    bounds: Bounds


@cache
def vocabulary(folder: Path = SHIPPED_WORDS) -> Vocabulary:
    """Return the vocabulary of a folder of word files; the shipped one if none is named.

    Raises:
        VocabularyError: If the files cannot be used.
    """
    words = read_words(folder)
    headings: PhraseBook[bool] = PhraseBook()
    headings.add(words.sections.asking, True)
    headings.add(words.sections.answering, False)
    lists = words.cues.lists.model_dump()
    bounds = Bounds(**{name: frozenset(text.split()) for name, text in lists.items()})
    return Vocabulary(_book(words), headings, bounds)


def _book(words: Words) -> PhraseBook[Meaning]:
    """Return all phrases; of two that are alike, the one that is added first holds."""
    book: PhraseBook[Meaning] = PhraseBook()
    book.add(words.others.read_over, Cue.NOTHING)
    for finding, named in words.findings.items():
        book.add(named.present, Mention(finding, FindingState.PRESENT))
        book.add(named.absent, Mention(finding, FindingState.ABSENT))
    for finding, named in words.findings.items():
        book.add(named.uncertain, Mention(finding, FindingState.UNCERTAIN))
    for finding, named in words.findings.items():
        book.add(named.absent_if_denied, Unsaid(finding, FindingState.ABSENT))
        book.add(named.present_if_denied, Unsaid(finding, FindingState.PRESENT))
    book.add(words.others.abnormality, Mention(None, FindingState.PRESENT))
    for organ in words.organs.organs:
        says = {verdict: FindingState(state) for verdict, state in organ.says.items()}
        book.add(organ.words, Organ(organ.finding, says, organ.reach, organ.joined))
    for name, phrases in words.organs.verdicts.items():
        book.add(phrases, Verdict(name))
    for cue in Cue:
        book.add(words.cues.phrases(cue), cue)
    return book
