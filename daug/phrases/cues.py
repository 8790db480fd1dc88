"""What words can do to the findings around them; which words, the file cues.toml says."""

from enum import Enum, auto


class Cue(Enum):
    """What a cue does to the findings around it."""

    DENIES = auto()  # those behind it are absent
    DENIED = auto()  # those before it are absent
    GONE = auto()  # those before it are absent; without any, those behind it
    DOUBTS = auto()  # those behind it are uncertain, over a whole list
    UNEXCLUDED = auto()  # the same, and stronger than an earlier denial
    QUESTION = auto()  # doubts the word that it is written to
    DOUBTS_NEXT = auto()  # those behind it are uncertain, up to a comma or an "and"
    DOUBTED = auto()  # those before it are uncertain
    EITHER = auto()  # the one before it and the one behind it are uncertain
    ASIDE = auto()  # those behind it are asked for, feared or past, and nothing is said of them
    END = auto()  # no cue reaches across it
    COMMA = auto()
    AND = auto()
    OR = auto()
    WITH = auto()
    VERB = auto()
    SEEN = auto()  # "is seen", "are present": the end of a sentence that may have denied
    NOTHING = auto()  # looks like a cue and is none
