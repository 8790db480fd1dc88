"""The sentences in which the input check speaks: what was found, and what to do."""

from daug.input_check import InputLimits, Sign

TURN = "Turn it before reading, or export it again"
POSITION_REASONS = {
    Sign.INVERTED: (
        "The grey levels look inverted: bones and heart are dark here, and air is bright. "
        "Invert the picture, or export it again as MONOCHROME2."
    ),
    Sign.UPSIDE_DOWN: f"The picture looks upside down (turned by 180°). {TURN}.",
    Sign.TURNED_LEFT: f"The picture looks turned by 90° to the left. {TURN}.",
    Sign.TURNED_RIGHT: f"The picture looks turned by 90° to the right. {TURN}.",
    Sign.MIRRORED: (
        "The picture looks mirrored: the heart seems to lie on the left of the picture. Compare "
        "with the side marker; if it was not mirrored, think of dextrocardia or of a shifted "
        "mediastinum."
    ),
}
LATERAL = (
    "The file says that this is a lateral view, but the models know frontal chest radiographs "
    "only. Choose the PA or AP view of the study."
)


def reason_for(sign: Sign, score: float, limits: InputLimits) -> str:
    """Return the sentence for a sign whose score is beyond its mark."""
    if sign in POSITION_REASONS:
        return POSITION_REASONS[sign]
    usual = limits.usual[sign]
    times = f"{score / usual:.1f} times"
    if sign is Sign.RECONSTRUCTION:
        return (
            f"This does not look like a frontal chest radiograph: the model rebuilds it {times} "
            f"worse than held-out radiographs (error {score:.3f}, usually {usual:.3f}). Check "
            "that the right picture was opened, and do not trust its maps."
        )
    return (
        f"This is unlike anything in training: its features lie {times} as far from the training "
        f"radiographs as those of held-out ones (distance {score:.1f}, usually {usual:.1f}). "
        "Check that it is a frontal chest radiograph, and do not trust its maps."
    )
