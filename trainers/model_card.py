"""`MODEL_CARD.md`: what `bundle.json` says, for people. Nothing in it is written by hand."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from daug.bundle import (
    BUNDLE_FILE,
    MIN_TEST_POSITIVES,
    Bundle,
    ClassCard,
    Estimate,
    read_bundle,
)
from daug.errors import BundleError
from daug.findings import uncovered_findings
from daug.notice import NOTICE
from trainers.anatomy.card_section import anatomy_section
from trainers.calibration.input_card_section import input_check_section
from trainers.clip_card_section import clip_section
from trainers.synthetic.card_section import copy_check_section
from trainers.text_labels import told_text_labels

CARD_FILE = "MODEL_CARD.md"


def write_card(folder: Path) -> Path:
    """Write a bundle's model card into its folder and return the path.

    Raises:
        BundleError: If the folder holds no bundle, its figures are not as DAug writes them, or
            the folder cannot be written to.
    """
    bundle = read_bundle(folder)
    try:
        card = model_card(bundle)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise BundleError(
            f"{folder / BUNDLE_FILE}: `measured` cannot be understood ({error!r}). "
            "Measure the bundle again."
        ) from error
    path = folder / CARD_FILE
    partial = path.with_suffix(".partial")
    try:
        partial.write_text(card, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise BundleError(
            f"{path} cannot be written ({error.strerror}). Copy the bundle to a folder that you "
            "may write to."
        ) from error
    return path


def model_card(bundle: Bundle) -> str:
    """Return the card as Markdown: one section a subject; empty ones are left out."""
    sections = [
        f"# {bundle.name} {bundle.version}\n\n**{NOTICE}**\n\n"
        f"Digest `{bundle.digest}`. The models see {bundle.image_size} x {bundle.image_size} "
        "pixels of a frontal chest radiograph. A heatmap shows what would change in the picture "
        "if the classifier were to believe more, or less, in a super-class; it is no proof of "
        "disease, and the scores are no chances of disease.",
        f"## Super-classes\n\n{_classes(bundle.classes)}\n\n{_coverage(bundle)}",
        f"## Classifier\n\n{_metrics(bundle.classes)}",
        f"## Classifier under noise\n\n{_noise(bundle.measured.get('classifier'))}",
        f"## Recipe\n\n{_pairs(bundle.recipe.__dict__)}\n\nHeat is drawn from "
        f"{bundle.heat_scale.mark:g} to {bundle.heat_scale.full_at:g} (change of pixel intensity, "
        "full range 2), on this one scale in every map.",
        _movement(bundle.measured.get("movement")),
        clip_section(bundle),
        anatomy_section(bundle),
        input_check_section(bundle),
        copy_check_section(bundle.measured.get("copy_check")),
        f"## Training data\n\n{_data(bundle)}",
        told_text_labels(bundle.training),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _classes(cards: Sequence[ClassCard]) -> str:
    rows = [
        (
            card.name,
            ", ".join(
                f"{finding} ({card.training.positives_by_finding.get(finding, 0):,})"
                for finding in card.findings
            ),
            f"{card.training.positives:,} / {card.training.negatives:,}",
            f"{card.training.painted:,} / {card.training.measured:,}",
            "yes" if card.offered else "no training examples",
        )
        for card in cards
    ]
    made = "of those with it: painted / measured"
    return _table(("super-class", "findings (positives)", "with / without", made, "offered"), rows)


def _coverage(bundle: Bundle) -> str:
    nowhere = uncovered_findings([card.super_class for card in bundle.classes])
    return f"In no super-class, and so without a map: {', '.join(nowhere) or 'nothing'}."


def _metrics(cards: Sequence[ClassCard]) -> str:
    rows = [
        (
            card.name,
            metrics.source,
            f"{metrics.positives} / {metrics.negatives}",
            _figure(metrics.average_precision),
            _figure(metrics.auroc),
            "" if metrics.enough else "n too small",
        )
        for card in cards
        for metrics in card.metrics
    ]
    head = ("super-class", "held-out source", "with / without", "AP", "AUROC", "")
    return (
        "Held-out radiographs at t = 0, within each source, with 95 % bootstrap intervals over "
        f"patients.\n\n{_table(head, rows)}"
    )


def _noise(scores: Mapping[str, Any] | None) -> str:
    if not scores:
        return "Not measured."
    levels = sorted({row["t"] for row in scores["rows"]})
    by_class: dict[tuple[str, str], dict[int, Mapping[str, Any]]] = {}
    for row in scores["rows"]:
        by_class.setdefault((row["super_class"], row["source"]), {})[row["t"]] = row
    head = ("super-class", "held-out source", "n", "with", *(f"t = {t}" for t in levels))
    tables = [
        f"### {title}\n\n"
        + _table(head, [_noise_line(key, rows, name, levels) for key, rows in by_class.items()])
        for name, title in (("auroc", "AUROC"), ("average_precision", "Average precision"))
    ]
    images = ", ".join(f"{name} {count}" for name, count in scores["images"].items())
    return (
        "Heatmaps ask the classifier about noised radiographs, so it is scored on these too: "
        f"noised by t steps, within each source. Split {_cell(scores['split'])} of "
        f"{_cell(scores['manifest']['file'])} (SHA-256 {scores['manifest']['digest'][:12]}): "
        f"{sum(scores['images'].values())} radiographs of {scores['patients']} patients "
        f"({_cell(images)}); n are those in which the class is known. 95 % percentile intervals "
        f"over patients, {scores['draws']} draws. Fewer than {MIN_TEST_POSITIVES} with the class "
        f"or without: n too small.\n\n" + "\n\n".join(tables)
    )


def _noise_line(
    key: tuple[str, str], rows: Mapping[int, Mapping[str, Any]], name: str, levels: Sequence[int]
) -> tuple[str, ...]:
    any_row = next(iter(rows.values()))
    cells = (_score_cell(rows[t], name) if t in rows else "not measured" for t in levels)
    return (*key, str(any_row["n"]), str(any_row["positives"]), *cells)


def _score_cell(row: Mapping[str, Any], name: str) -> str:
    if not row["enough"]:
        return "n too small"
    figure = row[name]
    if figure["low"] is None:  # one patient, or too few in most draws
        return f"{figure['value']:.2f} (no interval)"
    return _figure(Estimate(**figure))


def _movement(movement: Mapping[str, Any] | None) -> str:
    if not movement:
        return ""
    rows = [
        (
            row["super_class"],
            row["direction"],
            row["activation"],
            *(_figure(Estimate(**row[name])) for name in ("score_right_way", "right_way")),
            *(f"{row[name]['value']:.2f}" for name in ("ssim_input", "ssim_control")),
        )
        for row in movement["rows"]
    ]
    head = (
        *("super-class", "direction", "activation", "score", "score and guidance"),
        *("SSIM to radiograph", "SSIM to control"),
    )
    return (
        "## Do scores move the right way?\n\n"
        f"{movement['n']} radiographs of split {movement['split']}; share of them in which the "
        f"wanted score moved as asked.\n\n{_table(head, rows)}"
    )


def _data(bundle: Bundle) -> str:
    models = sorted({model for source in bundle.data for model in source.images})
    rows = [
        (
            source.name,
            *(f"{source.images.get(model, 0):,}" for model in models),
            source.licence,
            source.attribution,
        )
        for source in bundle.data
    ]
    return _table(("source", *models, "licence", "attribution"), rows)


def _pairs(values: Mapping[str, Any]) -> str:
    return "\n".join(f"- {name}: {value}" for name, value in values.items())


def _figure(figure: Estimate) -> str:
    return f"{figure.value:.2f} ({figure.low:.2f} to {figure.high:.2f})"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(text) for text in line) + " |" for line in lines)


def _cell(text: str) -> str:
    """Keep a text inside its cell, and plain."""
    return " ".join(str(text).replace("|", "\\|").replace("<", "&lt;").split())
