import pytest

from daug.case import Case, FindingSource, FindingState, ReportKind, SearchHit, Statement
from daug.errors import LibraryError
from daug.findings import SUPER_CLASSES, Finding, State


def case(**facts: object) -> Case:
    return Case(1, "case 1", "a" * 64, 100, 120, **facts)  # type: ignore[arg-type]


def test_a_finding_that_nobody_spoke_of_is_not_mentioned_and_never_absent() -> None:
    assert case().not_mentioned == set(Finding)
    assert case().absent == frozenset()
    assert case().labels == {}


def test_every_finding_is_in_exactly_one_state() -> None:
    states = dict(zip(Finding, list(FindingState) * 4, strict=False))
    one = case(findings={f: Statement(s, FindingSource.IMPORTED) for f, s in states.items()})
    parts = (one.present, one.absent, one.uncertain, one.not_mentioned)
    assert sum(map(len, parts)) == len(frozenset().union(*parts)) == len(Finding)


def test_uncertain_and_unknown_labels_make_no_super_class_absent() -> None:
    said = {Finding.CONSOLIDATION: FindingState.ABSENT, Finding.EDEMA: FindingState.UNCERTAIN}
    one = case(findings={f: Statement(s, FindingSource.MANUAL) for f, s in said.items()})
    opacities = next(sc for sc in SUPER_CLASSES if Finding.EDEMA in sc.findings)
    assert opacities.state(one.labels) is State.UNKNOWN


def test_a_case_cannot_be_changed_from_outside() -> None:
    findings = {Finding.EDEMA: Statement(FindingState.PRESENT, FindingSource.MANUAL)}
    one = case(findings=findings)
    findings.clear()
    assert one.present == {Finding.EDEMA}


@pytest.mark.parametrize(
    "facts",
    [{"age": 200.0}, {"age": float("nan")}, {"report": "x"}, {"report_kind": ReportKind.REAL}],
)
def test_a_case_that_makes_no_sense_is_refused(facts: dict[str, object]) -> None:
    with pytest.raises(LibraryError):
        case(**facts)


@pytest.mark.parametrize(("rank", "similarity"), [(0, 0.5), (1, 1.5), (1, float("nan"))])
def test_a_hit_that_makes_no_sense_is_refused(rank: int, similarity: float) -> None:
    with pytest.raises(LibraryError):
        SearchHit(case(), rank, similarity)
