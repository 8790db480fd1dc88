"""What the classifier says of the radiograph, and of the pictures imagined from it.

On the left each super-class by itself (sigmoid), on the right its share among all that are offered
(softmax): the two opinions that guide the two maps.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from daug.bundle import Bundle
from daug.findings import Activation
from daug.heatmap import Heatmap, Scores
from ui import wording

if TYPE_CHECKING:
    import plotly.graph_objects as go  # type: ignore[import-untyped]  # it brings no types

HEIGHT = 188  # pixels
MARKS = {  # shape and color differ both, for whoever sees only one of them
    Activation.SOFTMAX: ("diamond", "#f5a623"),
    Activation.SIGMOID: ("square", "#56b4e9"),
}
LONGEST_NAME = 24  # letters
NAME_SIZE = 8  # of letters; seven names must fit below the legend
SHORT_TITLE = 24  # letters
SIGMOID_AXIS = "sigmoid score: by itself"
SOFTMAX_AXIS = "softmax share: of all"

LEGEND = {  # below the title, as wide as the plot
    "orientation": "h",
    "font": {"size": 9},
    "xref": "container",
    "yref": "container",
    "x": 0,
    "y": 0.91,
    "yanchor": "top",
    "tracegroupgap": 0,
}

Read = Callable[[Scores], dict[str, float]]
AXES: tuple[tuple[str, Read], ...] = (
    (SIGMOID_AXIS, lambda scores: scores.sigmoid),
    (SOFTMAX_AXIS, lambda scores: scores.softmax),
)


def score_plot(bundle: Bundle, scores: Scores, heatmaps: Sequence[Heatmap] = ()) -> "go.Figure":
    """Return scores by super-class: the radiograph, the reference, the imagined pictures.

    Args:
        scores: Of the radiograph.
        heatmaps: Of one question, at most one for each activation.
    """
    from plotly.subplots import make_subplots  # type: ignore[import-untyped]

    figure = make_subplots(1, len(AXES), shared_yaxes=True, horizontal_spacing=0.02)
    for column, (axis, read) in enumerate(AXES, start=1):
        for trace in _traces(bundle, scores, heatmaps, read, first=column == 1):
            figure.add_trace(trace, 1, column)
        figure.update_xaxes(title={"text": axis, "standoff": 2}, col=column)
    figure.update_xaxes(range=[-0.02, 1.02], dtick=0.25, fixedrange=True, showgrid=True)
    figure.update_yaxes(fixedrange=True, automargin=True, dtick=1, tickfont={"size": NAME_SIZE})
    figure.update_layout(
        template="plotly_dark",
        height=HEIGHT,
        margin={"l": 8, "r": 8, "t": 58, "b": 32},
        font={"size": 11},
        title={"text": _title(heatmaps), "font": {"size": 12}, "x": 0.005, "y": 0.96},
        legend=LEGEND,
        paper_bgcolor="#000000",
        plot_bgcolor="#101010",
    )
    return figure


def _title(heatmaps: Sequence[Heatmap]) -> str:
    if not heatmaps:
        return wording.SCORE.capitalize()
    recipe = heatmaps[0].recipe
    name = wording.title(recipe.super_class, recipe.direction)
    return f"{_short(name, SHORT_TITLE)}: {wording.SCORE}"


def _traces(
    bundle: Bundle, scores: Scores, heatmaps: Sequence[Heatmap], read: Read, *, first: bool
) -> list["go.Scatter"]:
    """Return the marks of one axis.

    Args:
        first: Whether it stands on the left, where the operating points are and the legend is.
    """
    import plotly.graph_objects as go

    cards = bundle.offered[::-1]  # plotly counts upwards
    names = [card.name for card in cards]
    traces = []

    def add(label: str, values: list[float | None], symbol: str, color: str, size: int) -> None:
        marker = {"symbol": symbol, "color": color, "size": size}
        marker["line"] = {"color": color, "width": 2}
        traces.append(
            go.Scatter(
                x=values,
                y=[_short(name) for name in names],
                name=label,
                legendgroup=label,
                showlegend=first,
                mode="markers",
                marker=marker,
                hovertemplate="%{y}: %{x:.3f}<extra>" + label + "</extra>",
            )
        )

    def marks(of: Scores) -> list[float | None]:
        values = read(of)
        return [values[name] for name in names]

    if first:  # a threshold of the sigmoid score; the share has none
        add("operating point", [c.operating_point for c in cards], "line-ns-open", "#8a8a8a", 12)
    add("this radiograph", marks(scores), "circle-open", "#ffffff", 9)
    if heatmaps:
        add("before: reference", marks(heatmaps[0].scores_before), "circle", "#a0a0a0", 7)
    for heatmap in heatmaps:
        symbol, color = MARKS[heatmap.recipe.activation]
        label = f"after: {heatmap.recipe.activation} map"
        add(label, marks(heatmap.scores_after), symbol, color, 9)
    return traces


def _short(name: str, longest: int = LONGEST_NAME) -> str:
    return name if len(name) <= longest else f"{name[: longest - 1]}…"
