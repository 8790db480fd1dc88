"""A report as it was written, with what it says about findings underlined and named.

Everything comes out as HTML in which nothing of the report can be markup: each character of it is
escaped. A line break becomes a character reference, so that whatever reads the HTML sees one line.
"""

from collections.abc import Callable, Sequence
from html import escape

from daug.case import Case, FindingState, ReportKind
from daug.finding_phrases import Phrase, find_phrases

NO_REPORT = "No report is kept with this case."
TEMPLATE = "Composed from labels, not a real report: it says nothing that they do not."
CLASS_OF = {
    FindingState.PRESENT: "present",
    FindingState.ABSENT: "absent",
    FindingState.UNCERTAIN: "uncertain",
}
LAYOUT = str.maketrans({"\n": "&#10;", "\r": "&#13;", "\t": "&#9;", "`": "&#96;", "$": "&#36;"})


def report_html(case: Case, find: Callable[[str], Sequence[Phrase]] = find_phrases) -> str:
    """Return a case's report, marked when it was composed by a program."""
    if case.report_kind is ReportKind.NONE:
        return f'<div class="faint">{NO_REPORT}</div>'
    told = f'<div class="composed">{TEMPLATE}</div>' if _composed(case) else ""
    return f'{told}<div class="report">{marked(case.report, find(case.report))}</div>'


def marked(report: str, phrases: Sequence[Phrase]) -> str:
    """Return a report as one line of HTML, each phrase underlined, its finding and state behind it.

    Args:
        report: The text; without the marks it is shown character by character.
        phrases: In the report's order, none over another.
    """
    parts, at = [], 0
    for phrase in phrases:
        parts.append(text_html(report[at : phrase.start]))
        parts.append(_underlined(report[phrase.start : phrase.end], phrase))
        at = phrase.end
    return "".join([*parts, text_html(report[at:])])


def text_html(text: str) -> str:
    """Return text as one line of HTML that shows exactly it."""
    return escape(text).translate(LAYOUT)


def _underlined(words: str, phrase: Phrase) -> str:
    kind = CLASS_OF[phrase.state]
    tag = f'<span class="tag">{escape(phrase.finding)} {phrase.state}</span>'
    return f'<span class="phrase {kind}"><u>{text_html(words)}</u>{tag}</span>'


def _composed(case: Case) -> bool:
    return case.report_kind is ReportKind.TEMPLATE
