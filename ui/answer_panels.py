"""What stands beside the hits: what a hit has in common, how often findings occur, model scores.

It is HTML of our own in which every word from outside is escaped, for elements that remove scripts
on top of that.
"""

from collections.abc import Sequence
from html import escape

from daug.case import Case
from daug.finding_probability import FindingProbability
from daug.findings import Finding
from daug.similar_cases import BaseRate, Comparison
from ui.case_pane import named
from ui.report_markup import report_html

NOTHING_COMPARED = (
    "Shared and differing findings cannot be told: nothing is known of the query's findings, "
    "or nobody spoke of them in this case."
)
NOT_A_DIAGNOSIS = (
    "Scores of a small model for the query, from its radiograph and its maps. Not a diagnosis. "
    "Nothing here was used to find the hits."
)


def comparison_html(case: Case, comparison: Comparison | None, *, prior: bool = False) -> str:
    """Return what a case and the query have in common, then its report.

    Args:
        comparison: None for a case that was not searched for.
        prior: Whether it is another radiograph of the query's patient.
    """
    parts = []
    if prior:
        parts.append('<div class="told">Another radiograph of the same patient, not ranked.</div>')
    elif comparison is None or not (comparison.shared or comparison.differing):
        parts.append(f'<div class="faint">{NOTHING_COMPARED}</div>')
    else:
        parts += [
            _line("Shared", named(comparison.shared) or "none that both speak of"),
            _line("Differing", _differing(case, comparison.differing)),
        ]
    return "".join([*parts, '<div class="heading">Report</div>', report_html(case)])


def base_rates_html(rates: Sequence[BaseRate]) -> str:
    """Return how often each finding occurs among the hits, the most frequent first."""
    rows = "".join(
        f'<div class="rate{"" if rate.hits.labelled else " faint"}">'
        f"<b>{escape(rate.finding)}</b> {escape(rate.sentence)}</div>"
        for rate in sorted(rates, key=_frequent_first)
    )
    return rows or '<div class="faint">There are no hits to count.</div>'


def scores_html(scores: Sequence[FindingProbability]) -> str:
    """Return the model's probability of each finding as a bar, with where "yes" begins."""
    if not scores:
        return '<div class="faint">No radiograph is compared, so none was scored.</div>'
    rows = "".join(_score_row(score) for score in scores)
    return f'<div class="faint">{NOT_A_DIAGNOSIS}</div><table class="model-scores">{rows}</table>'


def _score_row(score: FindingProbability) -> str:
    scale = score.scale
    if not scale.trained:
        verdict = "untrained"
    elif scale.operating_point is None:
        verdict = "no operating point"
    else:
        above = "above" if score.above else "below"
        verdict = f"{above} {scale.operating_point:.2f}"
    doubt = "" if scale.calibrated or not scale.trained else ", not calibrated"
    sure = scale.trained and scale.calibrated
    bar = (
        f'<progress max="100" value="{100 * score.probability:.0f}" '
        f'aria-label="{escape(score.finding)}"></progress>'
    )
    kind = "yes" if sure and score.above else "" if sure else "faint"
    return (
        f'<tr class="{kind}"><td>{escape(score.finding)}</td><td>{bar}</td>'
        f"<td>{score.probability:.2f}</td><td>{verdict}{doubt}</td></tr>"
    )


def _differing(case: Case, differing: frozenset[Finding]) -> str:
    """Name differing findings with who has them."""
    here = named(differing & case.present)
    there = named(differing - case.present)
    parts = [f"only here: {here}"] if here else []
    parts += [f"only in the query: {there}"] if there else []
    return "; ".join(parts) or "none that both speak of"


def _line(name: str, text: str) -> str:
    return f'<div class="told"><b>{name}</b> {escape(text)}</div>'


def _frequent_first(rate: BaseRate) -> tuple[bool, int, float, int]:
    order = list(Finding).index(rate.finding)
    return (not rate.hits.labelled, -rate.hits.present, -(rate.hits.share or 0.0), order)
