"""What a report says of organs: "heart size is normal", "enlarged heart", "the lungs are clear"."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from daug.case import FindingState
from daug.findings import Finding
from daug.phrases.cues import Cue
from daug.phrases.items import Draft, Item, Mention, Organ, Verdict
from daug.phrases.tokens import Token
from daug.phrases.vocabulary import Bounds

WITHOUT_VERB = 5  # words between an organ and its verdict in "heart size normal"
BEFORE = 3  # words between a verdict and its organ in "enlarged appearing cardiac silhouette"
DOUBTS = frozenset({Cue.DOUBTS, Cue.DOUBTS_NEXT, Cue.UNEXCLUDED})
MOST_WAITING = 6  # organs that one verdict may speak of
PARTS = frozenset({Cue.COMMA, Cue.AND, Cue.WITH})
JOINING = frozenset({"and", ",", "/", "&"})
STABLE = "stable"


@dataclass(frozen=True)
class _Ahead:
    """A verdict that stands before its organs: "normal heart size and mediastinal contours"."""

    name: str
    start: int | None  # of the verdict, until its first organ has come
    end: int  # of the verdict, then of the last organ
    denied: bool
    doubted: bool


class OrganReader:
    """Walks along the items of one report and brings verdicts to organs."""

    def __init__(self, tokens: Sequence[Token], items: Sequence[Item], bounds: Bounds) -> None:
        self._tokens, self._items, self._bounds = tokens, items, bounds
        self._drafts: list[Draft] = []
        self._behind_end()

    def _behind_end(self) -> None:
        self._waiting: list[tuple[Organ, Item]] = []  # organs of which nothing was said yet
        self._stable: list[tuple[Organ, Draft]] = []  # of which nothing but "stable" was said
        self._ahead: _Ahead | None = None
        self._forget_cues()

    def _forget_cues(self) -> None:
        self._denied = self._doubted = self._verb = False

    def read(self) -> list[Draft]:
        """Return what is said of organs, as far as it says something about a finding."""
        for number, item in enumerate(self._items):
            match item.meaning:
                case Organ():
                    self._organ(item, item.meaning)
                case Verdict():
                    self._verdict(number, item, item.meaning.name)
                case Mention(finding=Finding()):
                    self._waiting, self._stable, self._ahead = [], [], None
                case Cue():
                    self._cue(item, item.meaning)
                case _:
                    pass
        return self._drafts

    def _cue(self, item: Item, cue: Cue) -> None:
        if cue is Cue.END and self._tokens[item.start].word in self._bounds.sentence_signs:
            self._behind_end()
        elif cue is Cue.DENIES:
            self._denied = True
        elif cue in DOUBTS:
            self._doubted = True
        elif cue in {Cue.VERB, Cue.SEEN}:
            self._verb = True
        elif cue is Cue.WITH:
            self._waiting = []
        if cue in PARTS and not self._waiting:
            self._forget_cues()

    def _organ(self, item: Item, organ: Organ) -> None:
        following = self._tokens[item.end : item.end + 1]
        if organ.joined and not (following and following[0].word in JOINING):
            return
        ahead = self._ahead
        if ahead and ahead.name in organ.meanings and self._joined(ahead.end, item.start):
            start = item.start if ahead.start is None else ahead.start
            state = _state(organ, ahead.name, denied=ahead.denied, doubted=ahead.doubted)
            self._add(organ, Draft(start, item.end, organ.finding, state), ahead.name)
            self._ahead = replace(ahead, start=None, end=item.end)
            return
        self._ahead, self._stable = None, []
        if not self._waiting:
            self._forget_cues()
        self._waiting = [*self._waiting[-MOST_WAITING:], (organ, item)]

    def _joined(self, start: int, end: int) -> bool:
        between = self._tokens[start:end] if end - start <= BEFORE else None
        fillers = self._bounds.organ_fillers
        return between is not None and all(token.word in fillers for token in between)

    def _verdict(self, number: int, item: Item, name: str) -> None:
        if self._stands_before_its_organ(number, item, name):
            before = self._items[number - 1] if number else None
            near = before is not None and item.start - before.end <= 1
            cue = before.meaning if before is not None and near else None
            self._ahead = _Ahead(
                name, item.start, item.end, cue is Cue.DENIES, cue in DOUBTS and near
            )
            return
        if item.start and self._tokens[item.start - 1].word in {"no", "without"}:
            return  # of something else: "the mediastinum is midline, and no enlarged nodes"
        far = item.start - self._waiting[-1][1].end if self._waiting else 0
        if self._waiting and (self._verb or far <= WITHOUT_VERB):
            self._settle([w for w in self._waiting if far <= w[0].reach], item, name)
        elif self._stable and name != STABLE:
            for organ, draft in self._stable:
                if name in organ.meanings:
                    draft.state = self._found(organ, name)
            self._stable = []

    def _stands_before_its_organ(self, number: int, item: Item, name: str) -> bool:
        following = self._items[number + 1] if number + 1 < len(self._items) else None
        if following is None or not isinstance(following.meaning, Organ):
            return False
        if name not in following.meaning.meanings or not self._joined(item.end, following.start):
            return False
        before = self._items[number - 1] if number else None
        new_part = before is not None and before.meaning in PARTS and before.end == item.start
        return not self._waiting or new_part

    def _settle(self, organs: Sequence[tuple[Organ, Item]], verdict: Item, name: str) -> None:
        told = [(organ, item) for organ, item in organs if name in organ.meanings]
        for organ, item in told:
            end = verdict.end if item is self._waiting[-1][1] else item.end
            draft = Draft(item.start, end, organ.finding, self._found(organ, name))
            self._add(organ, draft, name)
        if told:
            self._waiting = []
            self._forget_cues()

    def _add(self, organ: Organ, draft: Draft, name: str) -> None:
        self._drafts.append(draft)
        if name == STABLE:
            self._stable.append((organ, draft))

    def _found(self, organ: Organ, name: str) -> FindingState:
        return _state(organ, name, denied=self._denied, doubted=self._doubted)


def _state(organ: Organ, name: str, *, denied: bool, doubted: bool) -> FindingState:
    """Return what a verdict means; "not normal" leaves open what it is."""
    state = organ.meanings[name]
    if doubted or (denied and state is FindingState.ABSENT):
        return FindingState.UNCERTAIN
    return FindingState.ABSENT if denied else state
