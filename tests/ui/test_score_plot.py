"""The plot of scores: both opinions of the classifier, before and after."""

import pytest

from daug.findings import Activation, Direction
from daug.workstation import finish
from tests.ui import phantoms
from ui import wording
from ui.score_plot import SIGMOID_AXIS, SOFTMAX_AXIS, score_plot

BUNDLE = phantoms.bundle()


@pytest.mark.parametrize(("axis", "read"), [("x", "sigmoid"), ("x2", "softmax")])
def test_score_and_share_are_plotted_beside_each_other(axis: str, read: str) -> None:
    radiograph = phantoms.radiograph()
    pair = [BUNDLE.recipe_for("pleural", Direction.MORE, activation) for activation in Activation]
    maps = finish(phantoms.drawer(BUNDLE)(radiograph, pair))
    figure = score_plot(BUNDLE, phantoms.scores(BUNDLE), maps)
    drawn = {
        trace.name: dict(zip(trace.y, trace.x, strict=True))["Pleural"]
        for trace in figure.data
        if trace.xaxis == axis
    }
    assert drawn["this radiograph"] == getattr(phantoms.scores(BUNDLE), read)["Pleural"]
    assert drawn["before: reference"] == getattr(maps[0].scores_before, read)["Pleural"]
    for heatmap in maps:
        after = drawn[f"after: {heatmap.recipe.activation} map"]
        assert after == getattr(heatmap.scores_after, read)["Pleural"]
    assert ("operating point" in drawn) == (read == "sigmoid")


def test_the_plot_says_what_it_is_not() -> None:
    figure = score_plot(BUNDLE, phantoms.scores(BUNDLE))
    assert (
        figure.layout.title.text.lower() == wording.SCORE == "model score, not a chance of disease"
    )
    assert figure.layout.xaxis.title.text == SIGMOID_AXIS
    assert figure.layout.xaxis2.title.text == SOFTMAX_AXIS
    assert "share" in SOFTMAX_AXIS
