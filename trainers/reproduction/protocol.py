"""What was done otherwise than in the paper, or is not told there: sentences for the page."""

from collections.abc import Mapping, Sequence
from typing import Any

from daug.bundle import Bundle
from daug.heatmap import Reference
from trainers.evaluation.ablation_runs import DAUG_HYBRID, RUNS_FOLDER
from trainers.reproduction.labels import Blanks
from trainers.reproduction.order import Order
from trainers.runs import read_run

BLANKS = {
    Blanks.UNKNOWN: "A finding that the labels do not mention is unknown: left out of training and "
    "of scores, but for what No Finding entails (no pathology is present; and where one is, No "
    "Finding is absent).",
    Blanks.ABSENT: "A finding that the labels do not mention counts as absent, in training and in "
    "scores.",
}


def protocol(order: Order, bundle: Bundle, data: Mapping[str, Any]) -> list[str]:
    """Return the differences, with the settings that were used.

    Args:
        order: What was asked for.
        bundle: The finished bundle.
        data: What was remembered of the manifest.
    """
    run = read_run(
        order.parts.ablation / RUNS_FOLDER / f"{DAUG_HYBRID.slug}-{order.clip_seeds[0]}", "clip"
    )
    return [*_on_data(order, data), *_on_maps(order, bundle), *_on_clip(order, run), *_on_scores()]


def _on_data(order: Order, data: Mapping[str, Any]) -> Sequence[str]:
    splits = ", ".join(f"{name} {count}" for name, count in data["radiographs"].items())
    return [
        f"Radiographs: {splits}, of {data['patients']} patients, {data['reports']} with a report; "
        f"{data['left_out']['not_frontal']} that are not frontal are left out. The paper uses the "
        "official split of MIMIC-CXR and does not say which views.",
        f"Labels: {BLANKS[order.blanks]} Uncertain ones are left out. The paper's labels are read "
        "by CheXbert; those of MIMIC-CXR-JPG by CheXpert's labeller and, in release 2.1.0, of "
        "some test studies by a radiologist. What the paper makes of uncertain and unmentioned "
        "findings is not told. "
        f"{data['labels_filled']} labels were filled in.",
        *_on_text_labels(order, data["labels_from_text"]),
    ]


def _on_text_labels(order: Order, count: int) -> Sequence[str]:
    if not count:
        return []
    taught = "They taught, and they" if order.text_labels else "They taught nothing, but they"
    return [f"{count} labels were read from reports by a program. {taught} are among the scores."]


def _on_maps(order: Order, bundle: Bundle) -> Sequence[str]:
    recipe, unet = bundle.recipe, order.size.networks.unet
    reference = (
        "the radiograph, as in the paper"
        if recipe.reference is Reference.INPUT
        else "the unguided reconstruction from the same noise; in the paper it is the radiograph"
    )
    steps = order.size.map_steps or recipe.num_steps
    moved = bundle.measured.get("movement", {}).get("rows", [])
    least = min((row["right_way"]["value"] for row in moved), default=None)
    lines = [
        f"Networks: {unet.image_size} px, U-Net of widths {', '.join(map(str, unet.channels))}, "
        f"fold {unet.patch}, preset {order.preset}. The paper: 256 px, T = 1000 steps; it does not "
        "print widths, learning rates or lengths, so preset paper has those of Wolleb et al. 2022 "
        "(arXiv:2203.04306).",
        f"Maps: noised by {recipe.noise_level} steps ({recipe.encoder} encoder), s = "
        f"{recipe.scale:g}, drawn in {recipe.num_steps} steps ({steps} for the channels); compared "
        f"with {reference}. The paper: 500 steps, its s is not printed.",
    ]
    if least is not None:
        n = bundle.measured["movement"]["n"]
        lines.append(
            f"Of the maps of {n} test radiographs, the kind that did least well moved its score "
            f"the right way in {100 * least:.0f} of 100; the paper gives no such figure."
        )
    return lines


def _on_clip(order: Order, run: Mapping[str, Any]) -> Sequence[str]:
    loop, seeds = run["loop"], len(order.clip_seeds)
    weights = f" with weights {run['weights']}" if run["weights"] else ", not pretrained"
    return [
        f"CLIP: {run['model']}{weights}, {run['steps']} steps of {loop['batch_size']} radiographs, "
        f"learning rate {loop['learning_rate']:g}, {seeds} training{'s' * (seeds > 1)} of each "
        "row. The paper: ViT-B/32 at 256 px, batch 256, 10 epochs, 2e-5.",
        "Classes are drawn evenly into the batches and radiographs are shifted, turned and "
        "brightened a little; the paper tells of neither.",
        f"Loss: w = {run['settings']['weight']:g}; L_i2c is the cross-entropy of a cos + b with a "
        "and b learned. The paper's eq. 4 takes the logarithm of a cosine, which can be negative, "
        "while its section 4.1 takes a sigmoid.",
        "Reports: findings and impression. The paper does not say which sections."
        + (
            " Cases without a report were given a sentence composed from their labels."
            if order.size.templates
            else ""
        ),
    ]


def _on_scores() -> Sequence[str]:
    return [
        "Retrieval: a finding's gallery is the test radiographs for which it is known; images of "
        "the query's own patient never count. The paper does not say whether they do.",
        "Means: the paper prints the plain and the weighted mean under swapped headings in some "
        'rows; its plain means are computed here from its 14 figures. Its row "DAug (Ablation), '
        'CLIP" of Table 3 repeats a row of Table 1 and is left out.',
    ]
