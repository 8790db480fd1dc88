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
    controls, key, every_part = screen.controls, screen.key, screen.every_part
    opening = controls.file.change(
        handlers.open_file, [controls.file, key], screen.everything, **IN_TURN
    )
    _wire_question(controls, workstation.bundle)
    recover = handlers.recover
    for event in (opening, *_wire_drawings(screen, handlers)):
        event.failure(recover, key, every_part, **AT_ONCE)
    controls.stop.click(handlers.give_up, key, screen.column.status, **AT_ONCE)
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
    controls, column, every_part = screen.controls, screen.column, screen.every_part
    begin = (handlers.begin, screen.key, every_part)
    asked = [screen.key, controls.super_class, controls.direction, *controls.settings]
    drawing = controls.draw.click(*begin, **AT_ONCE).then(
        handlers.draw_maps,
        [*asked, column.show, column.opacity],
        [*every_part, column.plot],
        **IN_TURN,
    )
    picturing = controls.panel.click(*begin, **AT_ONCE).then(
        handlers.draw_figure,
        [screen.key, *controls.settings, column.opacity],
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
