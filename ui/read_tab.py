"""The tab "Read": open a radiograph, see Figure 2, ask one question, see both answers large.

What the tab shows is in `read_screen`, what it answers in `opening`, `drawing` and `viewing`; here
they are wired.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.events import Dependency

from daug.bundle import Bundle
from daug.findings import Direction
from daug.workstation import Workstation
from ui.class_choice import description
from ui.drawing import DrawingHandlers
from ui.examples import Example
from ui.keeping import Keeper
from ui.method import own_values, panel_name, seeds_state
from ui.opening import OpeningHandlers
from ui.read_screen import ReadScreen, Update, lay_out_screen
from ui.readings import Readings
from ui.viewing import ViewHandlers

PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
AT_ONCE: dict[str, Any] = {**PRIVATE, "queue": False}
# Of several quick choices the last must be answered, and not the first alone.
LATEST: dict[str, Any] = {**AT_ONCE, "trigger_mode": "always_last"}
IN_ORDER: dict[str, Any] = {  # a slower answer to an earlier change must not come last
    **PRIVATE,
    "trigger_mode": "always_last",
    "concurrency_id": "views",
    "concurrency_limit": 1,
}
IN_TURN: dict[str, Any] = {  # one use of the models at a time, however many people look
    **PRIVATE,
    "concurrency_id": "engine",
    "concurrency_limit": 1,
}
IN_TURN_LATEST: dict[str, Any] = {**IN_TURN, "trigger_mode": "always_last"}
PREFERENCES = "daug-preferences"  # the only thing that the browser keeps


@dataclass(frozen=True)
class _Handlers:
    opening: OpeningHandlers
    drawing: DrawingHandlers
    views: ViewHandlers


def add_read_tab(
    page: gr.Blocks,
    workstation: Workstation,
    readings: Readings,
    exports: Path,
    examples: Sequence[Example],
    keeper: Keeper | None = None,
) -> ReadScreen:
    """Lay out the tab and wire it; return its screen, whose key names what is open.

    Args:
        page: Told when it is loaded, to show maps as they were shown last time.
        workstation: Loads, scores and draws.
        readings: Where open radiographs are kept.
        exports: Folder for panels on their way to the browser.
        examples: Radiographs to try it with.
        keeper: Puts radiographs into collections; None for no library.
    """
    with gr.Tab("Read"):  # all of it: a tab bar that holds anything else shows tabs twice
        can_keep = keeper is not None
        screen = lay_out_screen(
            workstation.bundle,
            examples,
            readings.close,
            can_keep=can_keep,
            can_measure=workstation.measurer is not None,
        )
        views = ViewHandlers(workstation, readings, exports, screen)
        handlers = _Handlers(
            OpeningHandlers(workstation, readings, examples, screen),
            DrawingHandlers(workstation, readings, views, screen),
            views,
        )
        _wire_method(screen, workstation.bundle)
        _wire_question(screen, workstation.bundle)
        recover = handlers.drawing.recover
        for event in (*_wire_opening(screen, handlers), *_wire_drawings(screen, handlers)):
            event.failure(recover, screen.key, screen.drawn, **AT_ONCE)
        screen.controls.stop.click(
            handlers.drawing.give_up, screen.key, screen.column.status, **AT_ONCE
        )
        _wire_views(screen, views)
        _wire_preferences(page, screen, views)
        if keeper is not None:
            _wire_keeping(screen, readings, keeper)
    return screen


def _wire_method(screen: ReadScreen, bundle: Bundle) -> None:
    """Say whether the method is the bundle's own, bring it back, and lock seeds that do nothing."""
    method = screen.controls.method
    fields = [*method.fields]
    for field in fields:
        field.change(  # type: ignore[attr-defined]  # every field of a form has it
            lambda *values: gr.update(label=panel_name(bundle, values)),
            fields,
            method.panel,
            **AT_ONCE,
        )
    method.encoder.change(
        lambda encoder: gr.update(**seeds_state(encoder)), method.encoder, method.seeds, **AT_ONCE
    )
    method.reset.click(lambda: list(own_values(bundle)), None, fields, **AT_ONCE)


def _wire_question(screen: ReadScreen, bundle: Bundle) -> None:
    """Say what is asked whenever that changes."""
    controls = screen.controls
    for choice in controls.question_asked:
        choice.change(
            lambda name, sign: description(bundle, name, Direction(sign)),
            [*controls.question_asked],
            controls.question,
            **AT_ONCE,
        )


def _wire_opening(screen: ReadScreen, handlers: _Handlers) -> list[Dependency]:
    """Leave the radiograph of before at once; open the next, and draw Figure 2 of it."""
    controls, key, opening = screen.controls, screen.key, handlers.opening
    look, picked = screen.column.look.all, gr.State(value=None)
    clear = (opening.leave, key, screen.everything)
    upload = controls.file.upload(*clear, **AT_ONCE).then(
        opening.open_file, [controls.file, key, *look], screen.everything, **IN_TURN
    )
    example = (
        controls.gallery.select(opening.pick, None, picked, **AT_ONCE)
        .then(*clear, **AT_ONCE)
        .then(opening.open_file, [picked, key, *look], screen.everything, **IN_TURN)
    )
    for closing in (controls.close.click, controls.file.clear):
        closing(opening.close, key, screen.everything, **AT_ONCE).then(
            opening.stay_closed, key, screen.everything, **IN_TURN
        )
    events = [upload, example]
    first = handlers.drawing.begin_first_figure
    return events + [_figure(screen, handlers, event.then, first) for event in events]


def _wire_drawings(screen: ReadScreen, handlers: _Handlers) -> list[Dependency]:
    """Let each button and choice answer at once, and draw when its turn comes."""
    controls, drawing = screen.controls, handlers.drawing
    asked = [screen.key, *controls.question_asked, *controls.method.fields]
    ways_to_ask = (controls.draw.click, *(choice.input for choice in controls.question_asked))
    questions = [
        ask(drawing.begin_question, asked, screen.drawn, **LATEST).then(
            drawing.draw_question, asked, screen.drawn, **IN_TURN_LATEST
        )
        for ask in ways_to_ask
    ]
    layer = screen.column.layer
    layers = layer.input(drawing.begin_layer, [screen.key, layer], screen.drawn, **LATEST).then(
        drawing.draw_layer, screen.key, screen.drawn, **IN_TURN_LATEST
    )
    figure = _figure(screen, handlers, controls.panel.click, drawing.begin_figure)
    return [*questions, layers, figure]


def _figure(
    screen: ReadScreen, handlers: _Handlers, when: Any, begin: Callable[..., Update]
) -> Dependency:
    """Draw Figure 2 when an event happens, as `begin` asks for it."""
    asked = [screen.key, *screen.controls.method.fields]
    begun: Dependency = when(begin, asked, screen.drawn, **AT_ONCE)
    drawn: Dependency = begun.then(handlers.drawing.draw_figure, asked, screen.drawn, **IN_TURN)
    return drawn


def _wire_views(screen: ReadScreen, views: ViewHandlers) -> None:
    """Show finished maps in another way as soon as it is chosen."""
    column, look = screen.column, screen.column.look
    choices = [column.view, column.show, column.layer]
    parts = [*column.pictures, *choices, column.plot, column.measured, column.status]
    looks = [look.opacity.input, look.colors.input, look.hide.input, look.grid.input]
    gr.on(
        [column.view.input, column.show.input, *looks],
        views.show,
        [screen.key, column.view, column.show, *look.all],
        parts,
        **IN_ORDER,
    )
    gr.on(looks, views.write_figure, [screen.key, *look.all], screen.controls.download, **IN_ORDER)
    controls = screen.controls
    controls.group.input(
        views.compare_with,
        [screen.key, controls.group, column.view, column.show, *look.all],
        [part for part in parts if part not in choices],  # somebody may be choosing right now
        **IN_TURN,
    ).then(views.write_figure, [screen.key, *look.all], controls.download, **IN_ORDER)
    column.overview.select(
        views.enlarge,
        [screen.key, column.show, *look.all],
        [*parts, *controls.question_asked, controls.question],
        **AT_ONCE,
    )


def _wire_keeping(screen: ReadScreen, readings: Readings, keeper: Keeper) -> None:
    """Save the radiograph that is open, with the maps that are looked at."""
    box = screen.keep
    assert box is not None

    def save(key: str | None, collection: str | None, note: str) -> str:
        return keeper.save_open(readings.get(key), collection, note)

    box.panel.expand(keeper.choices, None, box.collection, **AT_ONCE)
    box.save.click(save, [screen.key, box.collection, box.note], box.said, **AT_ONCE).then(
        keeper.choices, None, box.collection, **AT_ONCE
    )
    screen.key.change(lambda: ["", ""], None, [box.note, box.said], **AT_ONCE)


def _wire_preferences(page: gr.Blocks, screen: ReadScreen, views: ViewHandlers) -> None:
    """Keep in the browser how maps are shown, and nothing else."""
    controls = screen.column.look.all
    # Gradio encrypts what it keeps; the key is no secret, it must only outlive a restart.
    kept = gr.BrowserState(None, storage_key=PREFERENCES, secret=PREFERENCES)
    page.load(views.restore, kept, controls, **AT_ONCE)
    look = screen.column.look
    looks = [look.opacity.input, look.colors.input, look.hide.input, look.grid.input]
    gr.on(looks, views.remember, controls, kept, **LATEST)
