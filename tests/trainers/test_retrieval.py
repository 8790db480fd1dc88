import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from daug.findings import Finding
from tests.trainers.rows import row
from tests.trainers.scored import cases_of, scores_of, unit
from trainers.evaluation.figures import Draws, Figure, mean_figure, mean_of_cases
from trainers.evaluation.finding_rows import FindingRow, Task, find_means
from trainers.evaluation.paper_figures import FULL, PAPER_ROWS, X_TRA
from trainers.evaluation.retrieval import retrieval_rows
from trainers.evaluation.retrieval_metrics import average_precision_of_queries, chance_at_5
from trainers.manifest import Row

PNEUMONIA = Finding.PNEUMONIA


def slow_ap(similarity: Sequence[float], relevant: Sequence[bool], own: Sequence[bool]) -> float:
    """AP@5 of one query, word for word as it is defined."""
    others = [g for g in range(len(relevant)) if not own[g]]
    hits = sorted(others, key=lambda g: (-similarity[g], g))[:5]
    total = sum(relevant[g] for g in others)
    if total == 0:
        return float("nan")
    summed, right = 0.0, 0
    for rank, hit in enumerate(hits, start=1):
        if relevant[hit]:
            right += 1
            summed += right / rank
    return summed / min(5, total)


@given(data=st.data())
def test_ap_at_5_is_what_its_definition_says_word_for_word(data: st.DataObject) -> None:
    """Few directions, so that many hits are equally similar."""
    count = data.draw(st.integers(1, 14))
    flags = st.lists(st.booleans(), min_size=count, max_size=count)
    angles = data.draw(st.lists(st.sampled_from([0, 1, 2, 3]), min_size=count, max_size=count))
    gallery = np.array([[np.cos(a), np.sin(a)] for a in angles], np.float32)
    relevant, own = data.draw(flags), data.draw(flags)
    query = np.array([[1, 0]], np.float32)
    found = average_precision_of_queries(query, gallery, np.array(relevant), np.array([own]))
    similarity = (gallery @ query[0]).tolist()
    assert found[0] == pytest.approx(slow_ap(similarity, relevant, own), nan_ok=True)


@given(
    relevant=st.lists(st.booleans(), min_size=1, max_size=5).filter(any),
    seed=st.integers(0, 1000),
)
def test_on_a_gallery_of_five_it_is_scikit_learns_average_precision(
    relevant: list[bool], seed: int
) -> None:
    generator = np.random.default_rng(seed)
    gallery = unit(generator.normal(size=(len(relevant), 8)))
    query = unit(generator.normal(size=(1, 8)))
    own = np.zeros((1, len(relevant)), bool)
    found = average_precision_of_queries(query, gallery, np.array(relevant), own)
    expected = average_precision_score(relevant, gallery @ query[0])
    assert found[0] == pytest.approx(expected)


def test_many_queries_score_as_they_do_one_by_one() -> None:
    """More of them than are compared with the gallery at once."""
    generator = np.random.default_rng(0)
    queries, gallery = unit(generator.normal(size=(1100, 4))), unit(generator.normal(size=(30, 4)))
    relevant, own = generator.random(30) < 0.3, generator.random((1100, 30)) < 0.1
    together = average_precision_of_queries(queries, gallery, relevant, own)
    alone = [
        average_precision_of_queries(queries[i : i + 1], gallery, relevant, own[i : i + 1])[0]
        for i in (0, 511, 512, 1023, 1024, 1099)
    ]
    assert together[[0, 511, 512, 1023, 1024, 1099]] == pytest.approx(alone)


@pytest.mark.parametrize(("total", "gallery"), [(r, g) for g in range(1, 8) for r in range(g + 1)])
def test_chance_is_the_mean_over_every_order_there_is(total: int, gallery: int) -> None:
    relevant = [place < total for place in range(gallery)]
    every = [
        slow_ap([-float(order.index(g)) for g in range(gallery)], relevant, [False] * gallery)
        for order in itertools.permutations(range(gallery))
    ]
    found = chance_at_5(np.array([total]), np.array([gallery]))
    assert found[0] == pytest.approx(float(np.mean(every)), nan_ok=True)


def labelled(
    present: int, absent: int, *, unknown: int = 0, each: int = 1, source: str = "one"
) -> list[Row]:
    """Rows with and without pneumonia; `each` radiographs of a patient."""
    states = [1] * present + [0] * absent + [-1] * unknown
    return [
        row(f"{source}{i:03}", {PNEUMONIA: state}, source=source, patient=f"p{i // each}")
        for i, state in enumerate(states)
    ]


def found_rows(
    rows: Sequence[Row],
    images: NDArray[np.float64],
    texts: Sequence[str] | None = None,
    vectors: NDArray[np.float64] | None = None,
    draws: int = 50,
) -> dict[tuple[str, str, str], FindingRow]:
    found = retrieval_rows(
        [scores_of(images, vectors)], cases_of(rows, texts), Draws(rows, draws=draws)
    )
    return {(r.task, r.model, r.source): r for r in found}


def value(found: FindingRow) -> float:
    return found.figures["map_at_5"].value


def directions(rows: Sequence[Row]) -> NDArray[np.float64]:
    """The ill in one direction, all others in another."""
    ill = np.array([r.labels[PNEUMONIA] == 1 for r in rows])
    return np.where(ill[:, None], [[1.0, 0.0]], [[0.0, 1.0]])


def test_images_of_the_querys_own_patient_are_never_shown_nor_counted() -> None:
    """Each lies exactly on its sister, who is as ill: shown, she would be right at rank 1."""
    rows = labelled(40, 40, each=2)
    generator = np.random.default_rng(1)
    patients = generator.normal(size=(40, 16))
    images = np.repeat(patients, 2, axis=0)
    both = found_rows(rows, images)
    found, chance = (both[Task.IMAGE_TO_IMAGE, name, "one"] for name in ("model", "chance"))
    vectors, ill = unit(images), np.array([r.labels[PNEUMONIA] == 1 for r in rows])
    slow = [
        slow_ap(
            (vectors @ vectors[i]).tolist(),
            ill.tolist(),
            [other.patient == rows[i].patient for other in rows],
        )
        for i in range(40)
    ]
    assert value(found) == pytest.approx(np.mean(slow))
    assert value(found) < 0.75
    assert value(chance) == pytest.approx(chance_at_5(np.array([38]), np.array([78]))[0])


def test_a_query_whose_only_relevant_image_is_its_own_is_not_asked() -> None:
    """The only ill patient of the second source has nobody to find there."""
    rows = [*labelled(20, 20), *labelled(1, 1, source="two")]
    found = found_rows(rows, np.eye(len(rows)))
    assert found[Task.IMAGE_TO_IMAGE, "model", "two"].counts["queries"] == 0
    assert found[Task.IMAGE_TO_IMAGE, "model", "all"].counts["queries"] == 21


def test_uncertain_and_unmentioned_findings_are_in_no_gallery() -> None:
    """The uncertain ones lie nearest to every query; they must not be among the hits."""
    rows = labelled(20, 20, unknown=30)
    images = np.vstack([directions(rows[:40]), np.tile([1.0, 0.0], (30, 1))])
    found = found_rows(rows, images)[Task.IMAGE_TO_IMAGE, "model", "one"]
    assert found.counts["gallery"] == 40
    assert value(found) == 1


def test_only_real_reports_ask_and_they_ask_with_their_own_words() -> None:
    rows = labelled(30, 30)
    texts = ["seen" if i < 12 else "" for i in range(60)]
    images = directions(rows)
    towards, away = np.tile([1.0, 0.0], (60, 1)), np.tile([0.0, 1.0], (60, 1))
    for vectors, expected in ((towards, 1.0), (away, 0.0)):
        found = found_rows(rows, images, texts, vectors)
        asked = found[Task.REPORT_TO_IMAGE, "model", "one"]
        assert asked.counts["queries"] == len(asked.members) == 12
        assert value(asked) == expected
        assert value(found[Task.IMAGE_TO_IMAGE, "model", "one"]) == 1


@pytest.mark.parametrize(
    ("present", "absent", "reports", "enough"),
    [(20, 20, 10, True), (19, 21, 10, False), (21, 19, 10, False), (20, 20, 9, False)],
)
def test_below_twenty_cases_either_way_or_ten_who_ask_nothing_is_claimed(
    present: int, absent: int, reports: int, enough: bool
) -> None:
    rows = labelled(present, absent)
    texts = ["seen" if i < reports else "" for i in range(len(rows))]
    images = directions(rows)
    found = found_rows(rows, images, texts, images)[Task.REPORT_TO_IMAGE, "model", "one"]
    assert found.enough is enough
    assert len(found.members) == reports


def test_a_model_without_texts_is_asked_by_images_alone() -> None:
    rows = labelled(20, 20)
    found = found_rows(rows, directions(rows), ["seen"] * 40)
    assert (Task.IMAGE_TO_IMAGE, "model", "one") in found
    assert (Task.REPORT_TO_IMAGE, "model", "one") not in found


def test_equal_hits_come_in_the_order_of_the_gallery_so_that_the_figure_is_repeatable() -> None:
    """All lie on one spot: the first five of the gallery are shown to everybody."""
    rows = [*labelled(20, 0), *labelled(0, 20, source="z")]
    found = found_rows(rows, np.ones((40, 2)))[Task.IMAGE_TO_IMAGE, "model", "all"]
    assert value(found) == 1


def test_the_same_draws_take_patients_whole_and_each_source_as_large_as_it_is() -> None:
    rows = [*labelled(30, 30, each=3), *labelled(8, 8, source="two")]
    draws = Draws(rows, seed=3, draws=40)
    weights = draws._weights
    assert (weights[:, 0:60:3] == weights[:, 1:60:3]).all()
    assert (weights[:, :60].sum(axis=1) == 60).all()
    assert (weights[:, 60:].sum(axis=1) == 16).all()
    alone = Draws(rows[:60], seed=3, draws=40)
    assert (alone._weights == weights[:, :60]).all()
    assert not (Draws(rows, seed=4, draws=40)._weights == weights).all()


def test_the_interval_of_a_mean_over_queries_is_that_of_their_patients() -> None:
    """20 patients: 10 whose queries all score 1, 10 whose score 0; the SD of the mean is known."""
    rows = labelled(200, 0, each=10)
    values = np.array([float(i // 10 % 2) for i in range(200)])
    figure = Draws(rows, draws=4000).figure(mean_of_cases(values), np.arange(200))
    assert figure.value == 0.5
    assert figure.drawn.std() == pytest.approx(0.5 / np.sqrt(20), rel=0.05)


def test_what_hangs_on_one_patient_has_no_interval() -> None:
    rows = labelled(5, 0, each=5)
    figure = Draws(rows, draws=30).figure(mean_of_cases(np.arange(5.0)), np.arange(5))
    assert figure.value == 2
    assert np.isnan(figure.estimate().low)


def test_a_model_differs_from_itself_by_exactly_nothing() -> None:
    rows = labelled(30, 30)
    generator = np.random.default_rng(0)
    draws = Draws(rows, draws=60)
    one = draws.figure(mean_of_cases(generator.random(60)), np.arange(60))
    estimate = (one - one).estimate()
    assert (estimate.value, estimate.low, estimate.high) == (0, 0, 0)
    assert one.estimate().low < one.value < one.estimate().high


def test_the_weighted_mean_counts_a_finding_by_its_cases_and_the_plain_one_does_not() -> None:
    figures = [Figure(0.2, np.array([0.1, 0.3]), 10), Figure(0.8, np.array([0.7, 0.9]), 30)]
    plain, weighted = mean_figure(figures, [1, 1], 40), mean_figure(figures, [10, 30], 40)
    assert plain.value == pytest.approx(0.5)
    assert weighted.value == pytest.approx(0.65)
    assert weighted.drawn == pytest.approx([0.55, 0.75])


def test_means_are_over_the_findings_with_enough_cases_and_weigh_them_by_support() -> None:
    """Pneumonia of 30 is always found, edema of 20 as chance has it; atelectasis of 5 is left."""
    rows = [
        row(
            f"{i:03}",
            {
                PNEUMONIA: int(i < 30),
                Finding.EDEMA: int(i % 3 == 0),
                Finding.ATELECTASIS: int(i < 5),
            },
        )
        for i in range(60)
    ]
    found = retrieval_rows([scores_of(directions(rows))], cases_of(rows), Draws(rows, draws=20))
    mean = next(m for m in find_means(found) if (m.model, m.source) == ("model", "all"))
    assert mean.findings == (Finding.EDEMA, PNEUMONIA)
    by_finding = {r.finding: r for r in found if (r.model, r.source) == ("model", "all")}
    edema, pneumonia = value(by_finding[Finding.EDEMA]), value(by_finding[PNEUMONIA])
    assert not by_finding[Finding.ATELECTASIS].enough
    assert mean.plain["map_at_5"].value == pytest.approx((edema + pneumonia) / 2)
    assert mean.weighted["map_at_5"].value == pytest.approx((20 * edema + 30 * pneumonia) / 50)
    assert mean.plain["map_at_5"].n == 40  # 30 + 20, of which 10 have both


@pytest.mark.parametrize(
    ("task", "daug", "other"),
    [
        (Task.REPORT_TO_IMAGE, 0.767, 0.703),
        (Task.IMAGE_TO_IMAGE, 0.722, 0.721),
        (Task.CLASSIFICATION, 0.886, 0.768),
    ],
)
def test_the_papers_plain_means_come_out_of_its_fourteen_figures(
    task: Task, daug: float, other: float
) -> None:
    rows = {row.model: row for row in PAPER_ROWS[task]}
    assert round(rows[FULL].plain, 3) == daug
    assert round(rows[X_TRA].plain, 3) == other
    assert all(len(row.figures) == len(Finding) for row in rows.values())


def test_the_repeated_row_of_table_3_is_not_among_the_papers_results() -> None:
    repeated = next(r for r in PAPER_ROWS[Task.REPORT_TO_IMAGE] if r.model == FULL).figures
    assert all(r.figures != repeated for r in PAPER_ROWS[Task.CLASSIFICATION])
