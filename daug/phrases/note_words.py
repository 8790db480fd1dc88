"""The words by which a clinical note is sorted, from the file `notes.toml`.

What names a finding or an organ is taken from the other word files.
"""

import tomllib
from dataclasses import dataclass
from enum import Enum, auto
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from daug.errors import VocabularyError
from daug.phrases.cues import Cue
from daug.phrases.items import Mention, Organ
from daug.phrases.tokens import PhraseBook, Token
from daug.phrases.vocabulary import Vocabulary, vocabulary
from daug.phrases.word_files import SHIPPED_WORDS

NOTES_FILE = "notes.toml"


class Sign(Enum):
    """What a word of a note tells of the sentence that holds it."""

    RADIOGRAPH = auto()
    OTHER_IMAGING = auto()
    CLINICAL = auto()
    SEEN = auto()  # a finding, or a place where one is
    NOTHING = auto()


class Heading(Enum):
    """What follows a heading."""

    IMAGE = auto()
    STORY = auto()
    SHORT_STORY = auto()  # in the same sentence


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _HeadingWords(_Strict):
    image: str
    story: str
    short_story: str


class _CutWords(_Strict):
    words: str
    signs: str


class _NoteFile(_Strict):
    radiograph: str
    other_imaging: str
    clinical: str
    seen: str
    read_over: str
    headings: _HeadingWords
    cuts: _CutWords


@dataclass(frozen=True, eq=False)
class NoteWords:
    """What notes are sorted by."""

    signs: PhraseBook[Sign]
    headings: PhraseBook[Heading]
    cuts: frozenset[str]  # a part of a sentence ends before them
    findings: Vocabulary

    def sign(self, tokens: list[Token], at: int) -> tuple[Sign, int] | None:
        """Return what the longest phrase that begins at a token tells, and where it ends."""
        own, other = self.signs.longest(tokens, at), self.findings.book.longest(tokens, at)
        if other is None or (own is not None and own[1] >= other[1]):
            return own
        if isinstance(other[0], Mention | Organ):
            return Sign.SEEN, other[1]
        return (Sign.NOTHING, other[1]) if other[0] is Cue.NOTHING else own


@cache
def note_words(folder: Path = SHIPPED_WORDS) -> NoteWords:
    """Return the words of a folder of word files; the shipped ones if none is named.

    Raises:
        VocabularyError: If the files cannot be used.
    """
    path = folder / NOTES_FILE
    try:
        file = _NoteFile.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise VocabularyError(
            f"{path} cannot be read as TOML ({error}). Copy {NOTES_FILE} from the words that are "
            "shipped."
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = " / ".join(str(part) for part in first["loc"])
        raise VocabularyError(
            f"{path}: {place or 'the file'}: {first['msg']}. Compare with the file that is shipped."
        ) from error
    signs: PhraseBook[Sign] = PhraseBook()
    signs.add(file.read_over, Sign.NOTHING)
    signs.add(file.radiograph, Sign.RADIOGRAPH)
    signs.add(file.other_imaging, Sign.OTHER_IMAGING)
    signs.add(file.clinical, Sign.CLINICAL)
    signs.add(file.seen, Sign.SEEN)
    headings: PhraseBook[Heading] = PhraseBook()
    headings.add(file.headings.image, Heading.IMAGE)
    headings.add(file.headings.story, Heading.STORY)
    headings.add(file.headings.short_story, Heading.SHORT_STORY)
    cuts = frozenset(f"{file.cuts.words} {file.cuts.signs}".split())
    return NoteWords(signs, headings, cuts, vocabulary(folder))
