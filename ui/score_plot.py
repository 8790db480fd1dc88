"""What the classifier says of the radiograph, and of the pictures imagined from it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from daug.bundle import Bundle
from daug.findings import Activation
from daug.heatmap import Heatmap, Scores
from ui import wording

if TYPE_CHECKING:
    import plotly.graph_objects as go  # type: ignore[import-untyped]  # it brings no types

HEIGHT = 200  # pixels
MARKS = {  # shape and color differ both, for whoever sees only one of them
    Activation.SOFTMAX: ("diamond", "#f5a623"),
    Activation.SIGMOID: ("square", "#56b4e9"),
}
LONGEST_NAME = 44  # letters


def score_plot(bundle: Bundle, scores: Scores, heatmaps: Sequence[Heatmap] = ()) -> "go.Figure":
    """Return scores by super-class: the radiograph, the reference, the imagined pictures.

    Args:
        scores: Of the radiograph.
        heatmaps: Of one question, at most one for each activation.
    """
    import plotly.graph_objects as go

    cards = bundle.offered[::-1]  # plotly counts upwards
    names = [card.name for card in cards]
    figure = go.Figure()

    def add(label: str, values: list[float | None], symbol: str, color: str, size: int) -> None:
        figure.add_trace(
            go.Scatter(
                x=values,
                y=[_short(name) for name in names],
                name=label,
                mode="markers",
                marker={
                    "symbol": symbol,
                    "color": color,
                    "size": size,
                    "line": {"color": color, "width": 2},
                },
                hovertemplate="%{y}: %{x:.3f}<extra>" + label + "</extra>",
            )
        )

    points = [card.operating_point for card in cards]
    add("operating point", points, "line-ns-open", "#8a8a8a", 14)
    add("this radiograph", [scores.sigmoid[name] for name in names], "circle-open", "#ffffff", 9)
    if heatmaps:
        before = heatmaps[0].scores_before.sigmoid
        add("before: reference", [before[name] for name in names], "circle", "#a0a0a0", 7)
    for heatmap in heatmaps:
        symbol, color = MARKS[heatmap.recipe.activation]
        after = heatmap.scores_after.sigmoid
        label = f"after: {heatmap.recipe.activation}"
        add(label, [after[name] for name in names], symbol, color, 9)
    figure.update_layout(
        template="plotly_dark",
        height=HEIGHT,
        margin={"l": 8, "r": 8, "t": 30, "b": 24},
        title={"text": wording.SCORE, "font": {"size": 13}, "x": 0.01, "y": 0.97},
        legend={"orientation": "h", "x": 1, "xanchor": "right", "y": 1.02, "yanchor": "bottom"},
        paper_bgcolor="#000000",
        plot_bgcolor="#101010",
        xaxis={"range": [-0.02, 1.02], "dtick": 0.25, "fixedrange": True},
        yaxis={"fixedrange": True, "automargin": True},
    )
    return figure


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
