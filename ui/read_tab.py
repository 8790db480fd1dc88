"""The tab "Read": open a radiograph, ask one question, see both answers side by side."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component

from daug.bundle import Bundle
from daug.errors import DaugError
from daug.findings import Activation, Direction, Finding
from daug.heatmap import Encoder, Preview, Recipe, Reference
from daug.workstation import Workstation
from ui import wording
from ui.chosen_maps import default_asks, panel_recipes
from ui.class_choice import choices, description
from ui.figure2 import figure2_png
from ui.followed_drawing import FollowedDrawing
from ui.heat_picture import OPACITY
from ui.readings import Reading, Readings
from ui.score_plot import score_plot
from ui.screen_pictures import Show, map_pane, preview_pane, radiograph_pane
from ui.whole_files import write_whole

CLASS_LIST = "super-class"  # the element's name in the page
PANE_HEIGHT = "max(380px, calc(100vh - 318px))"  # leaves the scores below within the window
BROKEN = "Something went wrong that DAug did not foresee; the terminal it runs in says what."
CLOSED = "The radiograph is no longer open. Open its file again."
OPEN_SECONDS = 4 * 3600  # that an idle page keeps its radiograph
ENGINE = "engine"  # one drawing at a time, however many people look

Update = dict[Any, Any]


def add_read_tab(workstation: Workstation, readings: Readings, exports: Path) -> None:
    """Lay out the tab and wire it.

    Args:
        workstation: Loads, scores and draws.
        readings: Where open radiographs are kept.
        exports: Folder for panels on their way to the browser.
    """
    bundle = workstation.bundle
    small: dict[str, Any] = {"min_width": 80, "interactive": False}
    with gr.Tab("Read"):
        key = gr.State(value=None, time_to_live=OPEN_SECONDS, delete_callback=readings.close)
        with gr.Row(equal_height=False):
            with gr.Column(scale=0, min_width=318, elem_id="controls"):
                file = gr.File(
                    label="Radiograph: DICOM, PNG, JPEG or TIFF", height=84, elem_id="file"
                )
                remarks = gr.Textbox(
                    label="Warnings about this radiograph",
                    visible=False,
                    show_label=False,
                    container=False,
                    elem_id="remarks",
                )
                super_class = gr.Radio(
                    choices(bundle),
                    value=_first(bundle),
                    label="Super-class (training radiographs)",
                    info=wording.without_class(bundle),
                    elem_id=CLASS_LIST,
                )
                direction = gr.Radio(
                    [("+ more of it", "+"), ("− less of it", "-")],
                    value="+",
                    label="More or less of it",
                    show_label=False,
                    container=False,
                    elem_id="direction",
                )
                with gr.Row():
                    draw = gr.Button("Draw", variant="primary", **small, elem_id="draw")
                    stop = gr.Button("Stop", variant="stop", **small, elem_id="stop")
                question = gr.Textbox(
                    description(bundle, _first(bundle), Direction.MORE),
                    label="What is asked, and what the models know",
                    show_label=False,
                    container=False,
                    lines=4,
                    max_lines=8,
                    elem_id="question",
                )
                with gr.Row():
                    panel = gr.Button("Draw Figure 2", **small, elem_id="panel")
                    download = gr.DownloadButton("Download it", **small, elem_id="download")
                with gr.Accordion("Recipe", open=False):
                    settings = _settings(bundle)
            with gr.Column(scale=1, min_width=600, elem_id="reading"):
                with gr.Row(elem_id="progress-row"):
                    status = gr.Textbox(
                        "Open a radiograph.",
                        label="Status",
                        show_label=False,
                        container=False,
                        max_lines=4,
                        elem_id="status",
                        scale=3,
                    )
                    show = gr.Radio(
                        [one.value for one in Show],
                        value=Show.HEAT.value,
                        label="What the maps show",
                        show_label=False,
                        container=False,
                        elem_id="show",
                        scale=4,
                    )
                    opacity = gr.Slider(
                        0,
                        100,
                        OPACITY * 100,
                        step=5,
                        label="Opacity",
                        buttons=[],
                        elem_id="opacity",
                        scale=1,
                    )
                bar = gr.Markdown(_bar(0, 0), elem_id="bar")
                with gr.Row(elem_id="panes"):
                    original = _pane("Radiograph", "original")
                    softmax = _pane("Softmax: against the other classes", "softmax")
                    sigmoid = _pane("Sigmoid: by itself", "sigmoid")
                plot = gr.Plot(show_label=False, container=False, elem_id="scores")
        figure = gr.Image(
            format="png",
            label="Figure 2",
            visible=False,
            interactive=False,
            buttons=["fullscreen"],
            elem_id="figure",
            alt_text="Figure 2: the radiograph and its maps, softmax above sigmoid",
        )

    panes = (softmax, sigmoid)
    every_part = [*panes, status, bar, draw, stop, panel]
    asked = [key, super_class, direction, *settings]

    def busy(now: bool, *, is_open: bool = True) -> Update:
        return {
            draw: gr.update(interactive=is_open and not now),
            panel: gr.update(interactive=is_open and not now),
            stop: gr.update(interactive=now),
        }

    def open_file(path: str | None, old: str | None) -> Update:
        readings.close(old)
        empty: Update = {
            key: None,
            original: None,
            softmax: None,
            sigmoid: None,
            plot: None,
            bar: _bar(0, 0),
            remarks: gr.update(value="", visible=False),
            figure: gr.update(value=None, visible=False),
            download: gr.update(value=None, interactive=False),
            **busy(False, is_open=False),
        }
        if path is None:
            return {**empty, status: "Open a radiograph."}
        try:
            radiograph = workstation.load(Path(path))
            scores = workstation.score(radiograph)
        except DaugError as error:
            return {**empty, status: str(error)}
        seen = radiograph.model_input(bundle.image_size)
        reading = Reading(radiograph, seen, scores)
        said = "\n".join(radiograph.warnings)
        return {
            **empty,
            key: readings.open(reading),
            original: radiograph_pane(radiograph, bundle),
            plot: score_plot(bundle, scores),
            remarks: gr.update(value=said, visible=bool(said), lines=min(4, said.count("\n") + 1)),
            status: "Choose a super-class and a direction, then Draw.",
            **busy(False),
        }

    def begin(opened: str | None) -> Update:
        reading = readings.get(opened)
        if reading is None:
            return {status: CLOSED, **busy(False, is_open=False)}
        reading.stop.clear()
        return {status: "Waiting for the models.", bar: _bar(0, 0), **busy(True)}

    def draw_maps(
        opened: str | None, name: str, sign: str, *rest: Any
    ) -> Generator[Update, None, None]:
        *knobs, shown, percent = rest
        reading = readings.get(opened)
        if reading is None:
            yield {status: CLOSED, **busy(False, is_open=False)}
            return
        reading.heatmaps = ()  # what was drawn before answers another question
        try:
            changes = recipe_changes(bundle, *knobs)
            recipes = [
                bundle.recipe_for(name, Direction(sign), activation, **changes)
                for activation in (Activation.SOFTMAX, Activation.SIGMOID)
            ]
            drawing = workstation.draw_heatmaps(reading.radiograph, recipes)
            followed = FollowedDrawing(drawing, reading.stop)
            for preview in followed:
                yield {
                    status: _told(preview, followed.seconds_left),
                    bar: _bar(preview.done, preview.total),
                    **{
                        pane: preview_pane(reading, recipe, preview, place, bundle, percent / 100)
                        for place, (pane, recipe) in enumerate(zip(panes, recipes, strict=True))
                    },
                }
        except DaugError as error:
            yield {status: str(error), **busy(False)}
            return
        if followed.stopped:
            yield {
                status: f"Stopped after step {followed.step}. The maps are unfinished.",
                **busy(False),
            }
            return
        reading.heatmaps = followed.heatmaps
        yield {
            status: _done(bundle, recipes[0]),
            bar: _bar(1, 1),
            plot: score_plot(bundle, reading.scores, reading.heatmaps),
            **redraw(opened, shown, percent),
            **busy(False),
        }

    def redraw(opened: str | None, shown: str, percent: float) -> Update:
        reading = readings.get(opened)
        if reading is None or not reading.heatmaps:
            return {softmax: gr.skip(), sigmoid: gr.skip()}
        return {
            pane: map_pane(reading, heatmap, bundle, Show(shown), percent / 100)
            for pane, heatmap in zip(panes, reading.heatmaps, strict=True)
        }

    def draw_figure(opened: str | None, *rest: Any) -> Generator[Update, None, None]:
        *knobs, percent = rest
        reading = readings.get(opened)
        if reading is None:
            yield {status: CLOSED, **busy(False, is_open=False)}
            return
        try:
            asks = default_asks(bundle, reading.scores)
            recipes = panel_recipes(bundle, asks, **recipe_changes(bundle, *knobs))
            drawing = workstation.draw_heatmaps(reading.radiograph, recipes)
            followed = FollowedDrawing(drawing, reading.stop)
            for preview in followed:
                told = _told(preview, followed.seconds_left)
                yield {
                    status: f"Figure 2, {len(recipes)} maps. {told}",
                    bar: _bar(preview.done, preview.total),
                }
            if followed.stopped:
                yield {
                    status: f"Stopped after step {followed.step}. Figure 2 was not drawn.",
                    **busy(False),
                }
                return
            maps = followed.heatmaps
            png = figure2_png(reading.radiograph, maps, bundle, opacity=percent / 100)
            digest = reading.radiograph.digest[: wording.DIGEST_LETTERS]
            path = exports / f"figure2-{digest}.png"
            write_whole({path: png})
        except DaugError as error:
            yield {status: str(error), **busy(False)}
            return
        yield {
            status: "Figure 2 is below, and ready to download.",
            bar: _bar(1, 1),
            figure: gr.update(value=str(path), visible=True),
            download: gr.update(value=str(path), interactive=True),
            **busy(False),
        }

    def give_up(opened: str | None) -> str:
        reading = readings.get(opened)
        if reading is not None:
            reading.stop.set()
        return "Stopping after this step."

    def recover(opened: str | None) -> Update:
        return {status: BROKEN, **busy(False, is_open=readings.get(opened) is not None)}

    private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    engine: dict[str, Any] = {**private, "concurrency_id": ENGINE, "concurrency_limit": 1}
    everything = [key, original, plot, remarks, figure, download, *every_part]
    opening = file.change(open_file, [file, key], everything, **engine)
    for choice in (super_class, direction):
        choice.change(
            lambda name, sign: description(bundle, name, Direction(sign)),
            [super_class, direction],
            question,
            queue=False,
            **private,
        )
    drawing = draw.click(begin, key, every_part, queue=False, **private).then(
        draw_maps, [*asked, show, opacity], [*every_part, plot], **engine
    )
    picturing = panel.click(begin, key, every_part, queue=False, **private).then(
        draw_figure, [key, *settings, opacity], [*every_part, figure, download], **engine
    )
    for event in (opening, drawing, picturing):
        event.failure(recover, key, every_part, queue=False, **private)
    stop.click(give_up, key, status, queue=False, **private)
    show.change(redraw, [key, show, opacity], [*panes], queue=False, **private)
    opacity.release(redraw, [key, show, opacity], [*panes], queue=False, **private)


def recipe_changes(
    bundle: Bundle,
    noise_level: float,
    scale: float,
    steps: float,
    encoder: str,
    reference: str,
    seeds: float,
) -> dict[str, Any]:
    """Return the fields of a recipe as the screen's settings have them.

    Args:
        seeds: How many; they count up from the bundle's first.
    """
    first = bundle.recipe.seeds[0]
    return {
        "noise_level": int(noise_level),
        "scale": float(scale),
        "num_steps": int(steps),
        "encoder": Encoder(encoder),
        "reference": Reference(reference),
        "seeds": tuple(range(first, first + int(seeds))),
    }


def _settings(bundle: Bundle) -> list[Component]:
    """Lay out the recipe's fields, in the order of `recipe_changes`, as the bundle has them."""
    recipe = bundle.recipe
    return [
        gr.Slider(10, 900, recipe.noise_level, step=10, label="Noise level L"),
        gr.Number(recipe.scale, minimum=0, label="Guidance scale s"),
        gr.Slider(1, 200, recipe.num_steps, step=1, label="Steps"),
        gr.Radio([one.value for one in Encoder], value=recipe.encoder.value, label="Encoder"),
        gr.Radio([one.value for one in Reference], value=recipe.reference.value, label="Reference"),
        gr.Slider(1, 8, len(recipe.seeds), step=1, label="Seeds (mean of several)"),
    ]


def _first(bundle: Bundle) -> str:
    """Return the super-class that is asked for first: whether anything looks abnormal."""
    normal = [card.name for card in bundle.offered if Finding.NO_FINDING in card.findings]
    return (normal or [card.name for card in bundle.offered])[0]


def _pane(label: str, name: str) -> gr.Image:
    return gr.Image(
        format="png",
        label=label,
        show_label=False,
        container=False,
        height=PANE_HEIGHT,
        interactive=False,
        buttons=["fullscreen"],
        elem_id=name,
        alt_text=label,
    )


def _bar(done: int, total: int) -> str:
    """Return a bar of steps: numbers of our own alone ever reach this element's HTML."""
    return f'<progress max="{max(total, 1):d}" value="{done:d}"></progress>'


def _told(preview: Preview, seconds_left: float | None) -> str:
    left = "" if seconds_left is None else f", about {seconds_left:.0f} s left"
    return f"Step {preview.done} of {preview.total}{left}."


def _done(bundle: Bundle, recipe: Recipe) -> str:
    name = wording.title(recipe.super_class, recipe.direction)
    return f"{name}: {wording.question(bundle.card(recipe.super_class), recipe.direction)}"
