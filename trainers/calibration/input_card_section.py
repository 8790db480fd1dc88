"""What the model card says of the input check: how often it is wrong, and what it finds."""

from collections.abc import Mapping, Sequence
from typing import Any

from daug.bundle import Bundle
from daug.input_check import INPUT_CHECK_FOLDER
from trainers.evaluation.paper_tables import cell, markdown_table


def input_check_section(bundle: Bundle) -> str:
    """Return the section as Markdown, or nothing where the check was never calibrated."""
    measured = bundle.measured.get(INPUT_CHECK_FOLDER)
    if not measured:
        return ""
    images = measured["images"]
    said = (
        "Before any map a picture is held against what the models know: how well the denoiser "
        "rebuilds it, how far its features lie from those of "
        f"{sum(images['reference'].values()):,} training radiographs, and whether it looks turned, "
        f"mirrored or inverted. The marks let {100 * measured['asked_rate']:g} % of "
        f"{sum(images['marks'].values()):,} radiographs of split "
        f"{cell(measured['splits']['marks'])} be flagged at most; what follows is measured on "
        f"split {cell(measured['splits']['measured'])}, and on sources that the models never saw. "
        "95 % intervals over patients."
    )
    sources = [
        *_sources(measured["false_alarms"], "held out"),
        *_sources(measured["false_alarms_unseen_sources"], "never seen"),
    ]
    kinds = [
        (cell(line["kind"]), str(line["rate"]["n"]), _figure(line["rate"]), _named(line))
        for line in measured["detected"]
    ]
    parts = [
        "## Input check",
        said,
        markdown_table(("frontal chest radiographs of", "", "n", "flagged by mistake"), sources),
        markdown_table(("pictures out of place", "n", "flagged", "for that reason"), kinds),
    ]
    return "\n\n".join(parts)


def _sources(lines: Sequence[Mapping[str, Any]], which: str) -> list[tuple[str, ...]]:
    return [
        (cell(line["source"]), which, str(line["rate"]["n"]), _figure(line["rate"]))
        for line in lines
    ]


def _named(line: Mapping[str, Any]) -> str:
    return _figure(line["named"]) if "named" in line else ""


def _figure(figure: Mapping[str, Any]) -> str:
    text = f"{100 * figure['value']:.1f} %"
    if figure["low"] is None:
        return f"{text} (no interval)"
    return f"{text} ({100 * figure['low']:.1f} to {100 * figure['high']:.1f})"
