"""Which findings are denied or doubted: one walk along a report, cue by cue."""

from collections.abc import Sequence

from daug.case import FindingState
from daug.phrases.cues import Cue
from daug.phrases.items import Draft, Item, Mention, Unsaid
from daug.phrases.tokens import STOP, Token
from daug.phrases.vocabulary import Bounds

LOOK_AHEAD = 14  # words behind a comma, to see whether a list goes on
NEAR = 6  # words between a finding and the "or" or "versus" that doubts it


class ScopeReader:
    """Reads the items of one report in their order, and knows which cues reach the next one."""

    def __init__(self, tokens: Sequence[Token], bounds: Bounds) -> None:
        self._tokens, self._bounds = tokens, bounds
        self._drafts: list[Draft] = []
        self._behind_end()

    def _behind_end(self) -> None:
        """Forget every cue: nothing reaches across the end of a sentence or a "but"."""
        self._denies: Item | None = None
        self._said = False  # that something is (not) seen, so that the denial is nearly over
        self._doubts = self._doubts_next = self._aside = False
        self._group: list[Draft] = []  # what a cue behind it speaks of
        self._stated = False  # something of them, so that the next finding is a group of its own

    def read(self, items: Sequence[Item]) -> list[Draft]:
        """Return the findings that are named, each in its state."""
        for item in items:
            match item.meaning:
                case Mention():
                    self._mention(item, item.meaning)
                case Unsaid():
                    self._unsaid(item, item.meaning)
                case Cue():
                    self._cue(item, item.meaning)
                case _:
                    pass
        return self._drafts

    def _mention(self, item: Item, mention: Mention) -> None:
        if self._aside:
            return
        state = mention.state
        if self._denies is not None:
            state = FindingState.ABSENT
        elif self._doubts or self._doubts_next:
            state = FindingState.UNCERTAIN
        draft = Draft(item.start, item.end, mention.finding, state)
        self._drafts.append(draft)
        if self._stated:
            self._group, self._stated = [], False
        self._group.append(draft)

    def _unsaid(self, item: Item, unsaid: Unsaid) -> None:
        """Make one phrase of "no acute disease": the "no" must stand right before it."""
        no = self._denies
        if no is None or self._aside:
            return
        between = self._tokens[no.end : item.start] if item.start - no.end <= NEAR else ()
        if item.start == no.end or (
            between and all(token.word in self._bounds.between_no_and_disease for token in between)
        ):
            self._drafts.append(Draft(no.start, item.end, unsaid.finding, unsaid.state))

    def _cue(self, item: Item, cue: Cue) -> None:
        match cue:
            case Cue.END:
                self._behind_end()
            case Cue.DENIES:
                self._deny(item)
            case Cue.GONE:
                self._after(FindingState.ABSENT) if self._group else self._deny(item)
            case Cue.DENIED:
                self._after(FindingState.ABSENT)
            case Cue.DOUBTED:
                self._after(FindingState.UNCERTAIN)
            case Cue.UNEXCLUDED:
                self._denies, self._doubts = None, True
            case Cue.DOUBTS:
                self._doubts = self._denies is None
            case Cue.DOUBTS_NEXT:
                self._doubts_next = self._denies is None
            case Cue.EITHER | Cue.OR:
                self._either(item)
            case Cue.QUESTION:
                self._question(item)
            case Cue.ASIDE:
                self._aside = True
            case Cue.COMMA | Cue.AND | Cue.WITH:
                self._next_part(item, cue)
            case Cue.VERB | Cue.SEEN:
                self._verb()
            case Cue.NOTHING:
                pass

    def _deny(self, item: Item) -> None:
        self._denies, self._said = item, False
        self._doubts = self._doubts_next = False

    def _after(self, state: FindingState) -> None:
        """Change what stands before a cue; what is denied already stays so."""
        for draft in self._group:
            if draft.state is not FindingState.ABSENT:
                draft.state = state
        self._group = []

    def _either(self, item: Item) -> None:
        if self._denies is not None or self._doubts:
            return
        near = self._group and item.start - self._group[-1].end <= NEAR
        if near and self._group[-1].state is FindingState.PRESENT:
            self._group[-1].state = FindingState.UNCERTAIN
        if near or item.meaning is Cue.EITHER:
            self._doubts_next = True

    def _question(self, item: Item) -> None:
        following = self._tokens[item.end : item.end + 1]
        if following and following[0].start == self._tokens[item.start].end:
            self._doubts_next = True
            return
        if self._group and item.start - self._group[-1].end <= 1:
            self._group = self._group[-1:]
            self._after(FindingState.UNCERTAIN)
        self._behind_end()

    def _next_part(self, item: Item, cue: Cue) -> None:
        """A list goes on behind a comma, unless a new statement begins there."""
        self._doubts_next = False
        if cue is not Cue.AND:
            self._aside = False
        if self._said or self._begins_statement(item.end):
            self._denies, self._doubts, self._said = None, False, False
            self._group = []
        elif cue is Cue.WITH:
            self._group = []

    def _verb(self) -> None:
        if self._denies is not None:
            self._said = bool(self._group)
        else:
            self._stated = True

    def _begins_statement(self, at: int) -> bool:
        """Return whether the words from here on are a sentence of their own."""
        words = [token.word for token in self._tokens[at : at + LOOK_AHEAD]]
        for number, sign in enumerate(words):
            if sign in {STOP, ",", ";", ":"}:
                words = words[:number]
                break
        if not words or words[0] in {"or", "nor"}:
            return False
        if words[0] in {"and", "but"}:
            words = words[1:]
        if words and words[0] in self._bounds.restarts:
            return True
        verbs, seen = self._bounds.clause_verbs, self._bounds.seen_words
        return any(
            word in verbs and seen.isdisjoint(words[number + 1 : number + 4])
            for number, word in enumerate(words)
        )
