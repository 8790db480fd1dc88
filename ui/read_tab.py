"""The tab "Read": open a radiograph, ask one question, see both answers side by side.

What the tab shows is in `read_screen`, what it answers in `read_handlers`; here they are wired.
"""

from pathlib import Path
from typing import Any

import gradio as gr
from gradio.events import Dependency

from daug.bundle import Bundle
from daug.findings import Direction
from daug.workstation import Workstation
from ui.class_choice import description
from ui.read_handlers import ReadHandlers
from ui.read_screen import Controls, ReadScreen, lay_out_screen
from ui.readings import Readings

PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
AT_ONCE: dict[str, Any] = {**PRIVATE, "queue": False}
IN_TURN: dict[str, Any] = {  # one use of the models at a time, however many people look
    **PRIVATE,
    "concurrency_id": "engine",
    "concurrency_limit": 1,
}


def add_read_tab(workstation: Workstation, readings: Readings, exports: Path) -> None:
    """Lay out the tab and wire it.

    Args:
        workstation: Loads, scores and draws.
        readings: Where open radiographs are kept.
        exports: Folder for panels on their way to the browser.
    """
    with gr.Tab("Read"):
        screen = lay_out_screen(workstation.bundle, readings.close)
    handlers = ReadHandlers(workstation, readings, exports, screen)
    opened = [screen.controls.file, screen.key]
    opening = screen.controls.file.change(handlers.open_file, opened, screen.everything, **IN_TURN)
    _wire_question(screen.controls, workstation.bundle)
    drawings = _wire_drawings(screen, handlers)
    recover = handlers.recover
    for event in (opening, *drawings):
        event.failure(recover, screen.key, screen.every_part, **AT_ONCE)
    screen.controls.stop.click(handlers.give_up, screen.key, screen.column.status, **AT_ONCE)
    _wire_views(screen, handlers)


def _wire_question(controls: Controls, bundle: Bundle) -> None:
    """Say what is asked whenever that changes."""
    asked = [controls.super_class, controls.direction]
    for choice in (controls.super_class, controls.direction):
        choice.change(
            lambda name, sign: description(bundle, name, Direction(sign)),
            asked,
            controls.question,
            **AT_ONCE,
        )


def _wire_drawings(screen: ReadScreen, handlers: ReadHandlers) -> tuple[Dependency, Dependency]:
    """Let each button answer at once, and draw when its turn comes."""
    key, controls, column, every_part = (
        screen.key,
        screen.controls,
        screen.column,
        screen.every_part,
    )
    begin = handlers.begin
    settings = controls.settings
    drawing = controls.draw.click(begin, key, every_part, **AT_ONCE).then(
        handlers.draw_maps,
        [key, controls.super_class, controls.direction, *settings, column.show, column.opacity],
        [*every_part, column.plot],
        **IN_TURN,
    )
    picturing = controls.panel.click(begin, key, every_part, **AT_ONCE).then(
        handlers.draw_figure,
        [key, *settings, column.opacity],
        [*every_part, screen.figure, controls.download],
        **IN_TURN,
    )
    return drawing, picturing


def _wire_views(screen: ReadScreen, handlers: ReadHandlers) -> None:
    """Show finished maps in another way as soon as it is chosen."""
    column, redraw = screen.column, handlers.redraw
    chosen, panes = [screen.key, column.show, column.opacity], [*column.panes]
    column.show.change(redraw, chosen, panes, **AT_ONCE)
    column.opacity.release(redraw, chosen, panes, **AT_ONCE)
