"""What the model card says of the CLIP model: what it learnt from, and how well it does."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from daug.bundle import MIN_EXAMPLES, Bundle
from daug.embedder import CLIP_FOLDER
from trainers.evaluation.paper_tables import cell, markdown_table

TITLES = {
    ("report_to_image", "map_at_5"): "Report → image, mAP@5",
    ("image_to_image", "map_at_5"): "Image → image, mAP@5",
    ("classification", "auroc"): "Classification, AUROC",
}


def clip_section(bundle: Bundle) -> str:
    """Return the section as Markdown, or nothing where the bundle has no CLIP model."""
    run = bundle.training.get(CLIP_FOLDER)
    if not run:
        return ""
    parts = ["## Search and findings (CLIP)", _learnt(run), _counts(run)]
    measured = bundle.measured.get(CLIP_FOLDER)
    parts += _figures(measured) if measured else ["Not measured."]
    return "\n\n".join(parts)


def _learnt(run: Mapping[str, Any]) -> str:
    images = ", ".join(f"{cell(name)} {n:,}" for name, n in run["radiographs"].items())
    channels, texts, settings = run["channels"], run["texts"], run["settings"]
    maps = ", ".join(
        f"{m['direction']} {m['super_class']} ({m['activation']}, {m['num_steps']} steps)"
        for m in channels["maps"]
    )
    without = run.get("heat_dropout", 0)
    if maps and without:
        maps += f", left out of {100 * without:.0f} % of what it was shown"
    composed = "the others have a sentence composed from their labels" * bool(texts["templates"])
    return (
        f"{cell(run['model'])}: {cell(channels['kind'])} channels"
        + (f", with the map {cell(maps)}. " if maps else ". ")
        + f"Learnt from {sum(run['radiographs'].values()):,} radiographs ({images}) in "
        f"{run['images_seen']:,} views. {texts['real']} of the radiographs have a real report; "
        f"{composed or 'the others have no text'}. Hybrid loss with w = {settings['weight']:g} for "
        "the reports. With so few reports a text finds little more than the names of the findings."
    )


def _counts(run: Mapping[str, Any]) -> str:
    rows = [
        (name, f"{count['positives']:,} / {count['negatives']:,}", _verdict(count))
        for name, count in run["counts"].items()
    ]
    return markdown_table(("finding", "with / without in training", ""), rows)


def _verdict(count: Mapping[str, int]) -> str:
    few = min(count["positives"], count["negatives"]) < MIN_EXAMPLES
    return "not learnt: too few examples" if few else ""


def _figures(measured: Mapping[str, Any]) -> list[str]:
    images = ", ".join(f"{cell(name)} {n}" for name, n in measured["images"].items())
    said = (
        f"Held-out radiographs of split {cell(measured['split'])} ({images}), within each source; "
        f"95 % intervals over patients, {measured['draws']} draws. AP@5 counts a hit as relevant "
        "if it has the finding; the query's own patient never answers. Findings with fewer than 20 "
        "cases with or without are left out."
    )
    tables = [
        f"### {title}\n\n{markdown_table(HEAD, _lines(measured['rows'], task, metric))}"
        for (task, metric), title in TITLES.items()
        if any(row["task"] == task for row in measured["rows"])
    ]
    return [said, *tables]


HEAD = ("finding", "held-out source", "model", "n", "figure")


def _lines(rows: Iterable[Mapping[str, Any]], task: str, metric: str) -> list[Sequence[str]]:
    chosen = [row for row in rows if row["task"] == task and row.get(metric)]
    chosen.sort(key=lambda row: (row["finding"], row["source"]))
    return [
        (row["finding"], row["source"], row["model"], str(row[metric]["n"]), _figure(row[metric]))
        for row in chosen
    ]


def _figure(figure: Mapping[str, Any]) -> str:
    if figure["low"] is None:
        return f"{figure['value']:.2f} (no interval)"
    return f"{figure['value']:.2f} ({figure['low']:.2f} to {figure['high']:.2f})"
