"""The words by which reports are read, as files that a radiologist can read and edit.

    findings.toml   how reports name the findings
    others.toml     what is none of them
    cues.toml       how reports deny and doubt
    organs.toml     how reports judge organs
    sections.toml   headings, and which sections are skipped

Each file explains itself. What the words mean for the reading is in `daug.phrases.vocabulary`.
"""

import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from daug.errors import VocabularyError
from daug.findings import Finding
from daug.phrases.cues import Cue

SHIPPED_WORDS = Path(__file__).parent / "words"
FILES = ("findings.toml", "others.toml", "cues.toml", "organs.toml", "sections.toml")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FindingWords(_Strict):
    """How reports name one finding: phrases, one a line."""

    present: str = ""
    absent: str = ""
    uncertain: str = ""
    present_if_denied: str = ""
    absent_if_denied: str = ""


class OtherWords(_Strict):
    """What looks like a finding and is none, and abnormalities beside the fourteen."""

    read_over: str
    abnormality: str


class WordLists(_Strict):
    """Single words that bound the reach of cues and verdicts."""

    restarts: str
    clause_verbs: str
    seen_words: str
    between_no_and_disease: str
    sentence_signs: str
    organ_fillers: str


class CueWords(_Strict):
    """How reports deny and doubt, by the name of the cue."""

    shorthand: dict[str, str]
    cues: dict[str, str]
    lists: WordLists

    def phrases(self, cue: Cue) -> str:
        """Return the phrases of a cue, with the shorthand written out."""
        text = self.cues[cue.name.lower()]
        for name, words in self.shorthand.items():
            text = text.replace(f"{{{name}}}", words)
        return text


class OrganWords(_Strict):
    """One organ and what verdicts on it say."""

    finding: Finding
    words: str
    says: dict[str, Literal["present", "absent", "uncertain"]]
    reach: int = Field(default=12, ge=1, le=50)
    joined: bool = False


class OrgansFile(_Strict):
    """All organs and verdicts."""

    organs: list[OrganWords]
    verdicts: dict[str, str]


class SectionWords(_Strict):
    """Headings of sections that say what was asked, and of those that answer."""

    asking: str
    answering: str


class Words(_Strict):
    """The content of all files."""

    findings: dict[Finding, FindingWords]
    others: OtherWords
    cues: CueWords
    organs: OrgansFile
    sections: SectionWords


def read_words(folder: Path = SHIPPED_WORDS) -> Words:
    """Return the words in a folder of such files.

    Raises:
        VocabularyError: If a file is missing, is no TOML, or says what no reading understands.
    """
    content = {Path(name).stem: _toml(folder / name) for name in FILES}
    try:
        words = Words.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        file, *place = (str(part) for part in first["loc"])
        raise VocabularyError(
            f"{folder / file}.toml: {' / '.join(place) or 'the file'}: {first['msg']}. Compare "
            "with the files that are shipped."
        ) from error
    _check_names(folder, words)
    return words


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise VocabularyError(
            f"{path} cannot be read as TOML ({error}). A folder of words holds {', '.join(FILES)}."
        ) from error


def _check_names(folder: Path, words: Words) -> None:
    known = {cue.name.lower() for cue in Cue}
    wrong = known.symmetric_difference(words.cues.cues)
    if wrong:
        raise VocabularyError(
            f"{folder / 'cues.toml'}: {', '.join(sorted(wrong))} is missing or is no cue. There "
            f"must be {', '.join(sorted(known))}."
        )
    for organ in words.organs.organs:
        unknown = set(organ.says) - set(words.organs.verdicts)
        if unknown:
            raise VocabularyError(
                f"{folder / 'organs.toml'}: {', '.join(sorted(unknown))} is no verdict. Add it "
                "under [verdicts], or leave it out."
            )
