"""`MODEL_CARD.md`: what `bundle.json` says, for people. Nothing in it is written by hand."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from daug.bundle import Bundle, ClassCard, Estimate, read_bundle
from daug.findings import uncovered_findings
from daug.notice import NOTICE

CARD_FILE = "MODEL_CARD.md"


def write_card(folder: Path) -> Path:
    """Write a bundle's model card into its folder and return the path.

    Raises:
        BundleError: If the folder holds no bundle.
    """
    path = folder / CARD_FILE
    partial = path.with_suffix(".partial")
    partial.write_text(model_card(read_bundle(folder)), encoding="utf-8")
    partial.replace(path)
    return path


def model_card(bundle: Bundle) -> str:
    """Return the card as Markdown."""
    sections = [
        f"# {bundle.name} {bundle.version}\n\n**{NOTICE}**\n\n"
        f"Digest `{bundle.digest}`. The models see {bundle.image_size} x {bundle.image_size} "
        "pixels of a frontal chest radiograph. A heatmap shows what would change in the picture "
        "if the classifier were to believe more, or less, in a super-class; it is no proof of "
        "disease, and the scores are no chances of disease.",
        f"## Super-classes\n\n{_classes(bundle.classes)}\n\n{_coverage(bundle)}",
        f"## Classifier\n\n{_metrics(bundle.classes)}",
        f"## Recipe\n\n{_pairs(bundle.recipe.__dict__)}\n\nHeat is drawn from "
        f"{bundle.heat_scale.mark:g} to {bundle.heat_scale.full_at:g} (change of pixel intensity, "
        "full range 2), on this one scale in every map.",
        f"## Training data\n\n{_data(bundle)}",
    ]
    if movement := bundle.measured.get("movement"):
        sections.insert(4, f"## Do scores move the right way?\n\n{_movement(movement)}")
    return "\n\n".join(sections) + "\n"


def _classes(cards: Sequence[ClassCard]) -> str:
    rows = [
        (
            card.name,
            ", ".join(
                f"{finding} ({card.training.positives_by_finding.get(finding, 0):,})"
                for finding in card.findings
            ),
            f"{card.training.positives:,} / {card.training.negatives:,}",
            "yes" if card.offered else "no training examples",
        )
        for card in cards
    ]
    return _table(("super-class", "findings (positives)", "with / without", "offered"), rows)


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


def _movement(movement: Mapping[str, Any]) -> str:
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
