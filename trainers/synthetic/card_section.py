"""What the model card says of synthetic pictures: how it was made sure that none is a patient's."""

from collections.abc import Mapping
from typing import Any


def copy_check_section(reports: Mapping[str, Any] | None) -> str:
    """Return the section as Markdown, or nothing where no pictures were drawn.

    Args:
        reports: `copy_check` of the bundle's `measured`, by the name of the folder of pictures.
    """
    if not reports:
        return ""
    parts = [_report(name, report) for name, report in reports.items()]
    return "## Synthetic pictures: is any a copy?\n\n" + "\n\n".join(parts)


def _report(name: str, report: Mapping[str, Any]) -> str:
    held_out, planted, dropped = report["held_out"], report["planted_copies"], report["dropped"]
    sources = ", ".join(f"{source} {n:,}" for source, n in report["training_sources"].items())
    near, far = report["near_percentile"], report["far_percentile"]
    by_eye = len(report["left_out_by_eye"])
    lines = [
        f"`{_plain(name)}`, drawn by the models of digest `{report['bundle_digest'][:12]}`. Each "
        f"picture was compared with all {report['training_radiographs']:,} radiographs that "
        f"trained the denoiser ({_plain(sources)}) and their mirror images: by perceptual hash "
        "(pHash, 256 bits, in many poses within what the training's augmentation does) and "
        "by the pooled features of the classifier. What counts as near is how near "
        f"{held_out['n']:,} held-out radiographs of other patients come.",
        f"- Nearer than the {near}th percentile of these counts as a copy, by either measure: at "
        f"most {held_out['copy_hash_bits']} bits, or at most {held_out['copy_features']:.2f} in "
        "features; a tie is a copy.",
        f"- Farther than the {far}th percentile in features ({held_out['strange_features']:.2f}) "
        "counts as no chest.",
        f"- {report['drawn']} drawn, {report['kept']} kept. Dropped as copies: "
        f"{report['dropped_as_copies']} (hash {dropped['hash']}, features {dropped['features']}); "
        f"as no chest: {dropped['strange']}; for a score below {report['asked_score']:g} of what "
        f"was asked: {dropped['score']}. A picture can be dropped for several reasons.",
        f"- Left out by eye, beside those: {by_eye}.",
        f"- Of {planted['n']} training radiographs moved and changed in grey level as the training "
        f"does it, {planted['found']} were found to be copies (hash {planted['found_by_hash']}, "
        f"features {planted['found_by_features']}). The others would not have been.",
    ]
    head, *points = lines
    rows = "\n".join(
        f"| {_plain(p['title'])} | {p['seed']} | {p['hash_bits']} | "
        f"{p['percentiles']['hash_bits']:.0f} | {p['features']:.2f} | "
        f"{p['percentiles']['features']:.0f} |"
        for p in report["pictures"]
    )
    table = (
        "| picture | seed | bits | percentile | features | percentile |\n"
        "| --- | --- | --- | --- | --- | --- |\n"
    )
    return f"{head}\n\n" + "\n".join(points) + f"\n\n{table}{rows}"


def _plain(text: str) -> str:
    """Keep a text inside its cell, and plain."""
    return " ".join(str(text).replace("|", "\\|").replace("<", "&lt;").split())
