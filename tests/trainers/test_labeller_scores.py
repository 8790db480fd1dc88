"""The labeller's figures are what they say, on read sentences and on coded reports."""

import json
import tarfile
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import precision_recall_fscore_support

from daug.errors import ManifestError
from daug.findings import Finding
from trainers.adapters.openi_headings import PRESENT as CODED
from trainers.adapters.openi_headings import coded_truth
from trainers.evaluation.labeller.openi import read_coded_reports
from trainers.evaluation.labeller.scores import FindingScore, score_findings, score_pooled
from trainers.evaluation.labeller.sentences import ReadSentence, read_sentences
from trainers.evaluation.labeller.tables import (
    coded_tables,
    evaluate,
    markdown,
    sentence_tables,
)
from trainers.labeller.labeller import Labels
from trainers.labeller.rules import RuleLabeller

SENTENCES = Path(__file__).parents[1] / "daug" / "read_sentences.csv"
PAGE = Path(__file__).parents[2] / "docs" / "labeller.md"
EDEMA, EFFUSION, NORMAL = Finding.EDEMA, Finding.PLEURAL_EFFUSION, Finding.NO_FINDING


class Oracle:
    """Knows the label of every sentence; `wrong` says what it gets wrong."""

    name = "oracle"

    def __init__(self, sentences: Sequence[ReadSentence], wrong: Mapping[str, Labels]) -> None:
        self._labels = {s.text: s.labels for s in sentences} | dict(wrong)

    def label(self, reports: Sequence[str]) -> list[Labels]:
        return [self._labels[report] for report in reports]


def by_name(scores: Sequence[FindingScore]) -> dict[str, FindingScore]:
    return {score.name: score for score in scores}


# Figures


def test_figures_are_those_of_scikit_learn() -> None:
    generator = np.random.default_rng(3)
    truth, told = generator.random((2, 300, len(Finding))) < 0.4
    scores = score_findings(
        [dict(zip(Finding, row.tolist(), strict=True)) for row in truth],
        [frozenset(f for f, yes in zip(Finding, row, strict=True) if yes) for row in told],
    )
    expected = precision_recall_fscore_support(truth, told, average=None)
    for number, score in enumerate(scores[:-1]):
        for figure, known in zip(
            (score.precision, score.recall, score.f1), expected[:3], strict=True
        ):
            assert figure.value == pytest.approx(known[number])
            assert figure.low < figure.value < figure.high
        assert score.positives == truth[:, number].sum()
    macro = precision_recall_fscore_support(truth, told, average="macro")
    assert scores[-1].f1.value == pytest.approx(macro[2])
    micro = precision_recall_fscore_support(truth, told, average="micro")
    pooled = score_pooled(
        "all",
        [dict(zip(Finding, row.tolist(), strict=True)) for row in truth],
        [frozenset(f for f, yes in zip(Finding, row, strict=True) if yes) for row in told],
    )
    assert pooled.f1.value == pytest.approx(micro[2])


def test_what_is_left_open_counts_for_nothing_and_rare_findings_not_for_the_mean() -> None:
    truths = [{EDEMA: True}] * 40 + [{EDEMA: False}] * 60 + [{}] * 20 + [{EFFUSION: True}] * 3
    told = [frozenset({EDEMA})] * 40 + [frozenset[Finding]()] * 60 + [frozenset({EDEMA})] * 20
    scores = by_name(score_findings(truths, [*told, *[frozenset[Finding]()] * 3]))
    assert (scores[EDEMA].positives, scores[EDEMA].negatives) == (40, 60)
    assert scores[EDEMA].precision.value == scores[EDEMA].f1.value == 1
    assert scores[EFFUSION].recall.value == 0
    assert not scores[EFFUSION].enough
    assert scores["mean of 1"].f1.value == 1


# Read sentences


@pytest.fixture(scope="module")
def sentences() -> list[ReadSentence]:
    return read_sentences(SENTENCES)


def test_there_are_enough_sentences_of_every_kind(sentences: list[ReadSentence]) -> None:
    assert len({s.text for s in sentences}) == len(sentences) >= 200
    for half in ("first", "second"):
        known = [s.labels for s in sentences if s.half == half]
        assert len(known) >= 100
        for label in (1, 0, -1):
            assert sum(label in labels.values() for labels in known) >= 20
        assert all(any(labels.get(f) == 1 for labels in known) for f in Finding)


def test_the_page_shows_what_is_measured(sentences: list[ReadSentence]) -> None:
    page = PAGE.read_text(encoding="utf-8")
    for table in sentence_tables(RuleLabeller(), sentences).values():
        assert markdown(table) in page


@pytest.mark.parametrize("half", ["first", "second"])
def test_read_sentences_are_labelled_as_they_were_read(
    half: str, sentences: list[ReadSentence]
) -> None:
    """The rules were not improved by the second half."""
    tables = sentence_tables(RuleLabeller(), [s for s in sentences if s.half == half])
    present, states = (by_name(table) for table in tables.values())
    assert present["mean of 14"].f1.value >= 0.90
    assert states["present"].f1.value >= 0.90
    assert states["absent"].f1.value >= 0.90


def test_an_oracle_is_right_and_a_slip_of_it_is_counted(sentences: list[ReadSentence]) -> None:
    right = sentence_tables(Oracle(sentences, {}), sentences)
    assert all(score.f1.value == 1 for table in right.values() for score in table)
    victim = next(s for s in sentences if s.half == "second" and s.labels.get(EDEMA) == 1)
    slip = {victim.text: dict(victim.labels) | {EDEMA: 0}}
    wrong = sentence_tables(Oracle(sentences, slip), sentences)
    first, first_states, second, second_states = map(by_name, wrong.values())
    assert first[EDEMA].recall.value == first_states["present"].recall.value == 1
    assert second[EDEMA].recall.value < 1
    assert second_states["absent"].precision.value < 1
    assert second_states["present"].recall.value < 1
    assert second_states["uncertain"].f1.value == 1


# Coded reports


def xml(text: str, *headings: str) -> bytes:
    majors = "".join(f"<major>{heading}</major>" for heading in headings)
    return (
        f"<eCitation><Abstract><AbstractText Label='INDICATION'>Edema?</AbstractText>"
        f"<AbstractText Label='FINDINGS'>{text}</AbstractText></Abstract>"
        f"<MeSH>{majors}</MeSH></eCitation>"
    ).encode()


REPORTS = {
    "1": xml("Clear lungs.", "normal"),
    "2": xml("Small effusion.", "Pleural Effusion/left/small", "Costophrenic Angle/blunted"),
    "3": xml("Blunted left costophrenic angle.", "Costophrenic Angle/left/blunted"),
    "4": xml("Unreadable.", "No Indexing"),
    "5": xml(" ", "normal"),
    "6": xml("Pacemaker.", "Implanted Medical Device"),
}


@pytest.fixture(params=["folder", "archive"])
def reports(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if request.param == "folder":
        for name, content in REPORTS.items():
            (tmp_path / f"{name}.xml").write_bytes(content)
        return tmp_path
    archive = tmp_path / "reports.tgz"
    with tarfile.open(archive, "w:gz") as tar:
        for name, content in REPORTS.items():
            member = tarfile.TarInfo(f"ecgen-radiology/{name}.xml")
            member.size = len(content)
            tar.addfile(member, BytesIO(content))
    return archive


def test_coded_reports_are_read_with_what_their_headings_decide(reports: Path) -> None:
    read = {report.id: report for report in read_coded_reports(reports)}
    assert set(read) == {"1", "2", "3", "6"}  # neither uncoded nor empty ones
    truths = {name: coded_truth(report.headings) for name, report in read.items()}
    assert truths["1"][NORMAL]
    assert not any(truths["1"][finding] for finding in CODED)
    assert truths["2"][EFFUSION]
    assert not truths["2"][NORMAL]
    assert EFFUSION not in truths["3"]  # a blunted angle is left open
    assert truths["6"][Finding.SUPPORT_DEVICES]
    assert NORMAL not in truths["6"]
    assert RuleLabeller().label([read["1"].text])[0].get(EDEMA) is None  # asked, not seen


def test_the_tables_are_written(reports: Path, tmp_path: Path) -> None:
    output = tmp_path / "tables"
    evaluate(RuleLabeller(), reports, SENTENCES, output)
    document = json.loads((output / "labeller.json").read_text())
    [coded] = [rows for title, rows in document["tables"].items() if title.endswith("-i, present")]
    effusion = next(row for row in coded if row["name"] == EFFUSION)
    assert (effusion["positives"], effusion["negatives"]) == (1, 2)
    assert effusion["f1"]["value"] == 1
    assert not effusion["enough"]
    assert "| Pleural Effusion * | 1 | 2 | 1.00 |" in (output / "labeller.md").read_text()


def test_entities_are_refused(tmp_path: Path) -> None:
    bomb = b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"
    (tmp_path / "1.xml").write_bytes(bomb)
    with pytest.raises(ManifestError, match="entities"):
        read_coded_reports(tmp_path)


@pytest.mark.shared
def test_real_reports_are_labelled_as_their_coders_coded_them(shared: Path) -> None:
    archive = shared / "reports" / "openi_reports.tgz"
    if not archive.is_file():
        pytest.skip("no Open-i reports")
    present, possible = coded_tables(RuleLabeller(), archive).values()
    scores = by_name(present)
    assert scores["mean of 12"].f1.value >= 0.80
    assert all(score.f1.value > 0.75 for score in present if score.enough)
    page = PAGE.read_text(encoding="utf-8")
    assert markdown(present) in page
    assert markdown(possible) in page
