"""Figure 2 of a radiograph as a file, for whoever has only its path."""

from pathlib import Path

from daug.workstation import Workstation, finish
from ui.chosen_maps import default_asks, panel_recipes
from ui.figure2 import figure2_png
from ui.look import Look
from ui.map_scale import scales_of
from ui.whole_files import check_place, write_whole


def write_panel(workstation: Workstation, file: Path, output: Path, opacity: float = 0.7) -> None:
    """Draw the bundle's own choice of maps of a radiograph and write the panel, whole or not.

    Args:
        workstation: Loads, scores and draws.
        file: The radiograph.
        output: The PNG.
        opacity: Weight of the colours.

    Raises:
        DaugError: If anything stands in the way; then no file is left behind.
    """
    check_place(output)
    radiograph, bundle = workstation.load(file), workstation.bundle
    recipes = panel_recipes(bundle, default_asks(bundle, workstation.score(radiograph)))
    heatmaps = finish(workstation.draw_heatmaps(radiograph, recipes))
    look, scale_of = Look(opacity=opacity), scales_of(workstation, radiograph)
    png = figure2_png(radiograph, heatmaps, bundle, look=look, scale_of=scale_of)
    write_whole({output: png})
