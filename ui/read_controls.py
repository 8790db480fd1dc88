"""The left side of the tab "Read": the file, the question, the buttons and the method."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import gradio as gr

from daug.bundle import Bundle
from daug.findings import Direction, Finding
from ui import wording
from ui.class_choice import choices, description
from ui.examples import Example
from ui.method import Method, lay_out_method
from ui.patient_group import GROUPS, NOT_STATED

CLASS_LIST = "super-class"  # the element's name in the page
DRAW_FIGURE = "Draw Figure 2"


@dataclass(frozen=True)
class Controls:
    """What is asked, and the buttons that ask it."""

    file: gr.File
    examples: gr.Accordion
    gallery: gr.Gallery
    opened: gr.Textbox
    close: gr.Button
    remarks: gr.Textbox
    verdict: gr.Textbox
    group: gr.Dropdown
    super_class: gr.Radio
    direction: gr.Radio
    draw: gr.Button
    stop: gr.Button
    question: gr.Textbox
    panel: gr.Button
    download: gr.DownloadButton
    method: Method

    @property
    def question_asked(self) -> list[gr.Radio]:
        """The two choices that make a question."""
        return [self.super_class, self.direction]


def lay_out_controls(bundle: Bundle, examples: Sequence[Example]) -> Controls:
    """Lay out the controls inside the column that is under way."""
    file = gr.File(label="Open a radiograph: DICOM, PNG, JPEG, TIFF", height=62, elem_id="file")
    examples_panel, gallery = _examples(examples)
    with gr.Row(elem_id="opened-row"):
        opened = _text("", "Open radiograph", "opened", lines=1)
        close = gr.Button("Close", size="sm", min_width=60, visible=False, elem_id="close")
    remarks = _text("", "Warnings about this radiograph", "remarks", visible=False)
    verdict = _text("", "Input check", "verdict", visible=False)
    group = _group_list()
    super_class, direction = _class_list(bundle), _signs()
    with gr.Row():
        draw = _button("Draw", "draw", variant="primary")
        stop = _button("Stop", "stop", variant="stop")
    first = description(bundle, first_class(bundle), Direction.MORE)
    question = _text(first, "What is asked, and what the models know", "question", lines=5)
    with gr.Row():
        panel = _button(DRAW_FIGURE, "panel")
        download = gr.DownloadButton(
            "Download it", min_width=80, interactive=False, elem_id="download"
        )
    method = lay_out_method(bundle)
    return Controls(
        file,
        examples_panel,
        gallery,
        opened,
        close,
        remarks,
        verdict,
        group,
        super_class,
        direction,
        draw,
        stop,
        question,
        panel,
        download,
        method,
    )


def first_class(bundle: Bundle) -> str:
    """Return the super-class that is asked for first: whether anything looks abnormal."""
    normal = [card.name for card in bundle.offered if Finding.NO_FINDING in card.findings]
    return (normal or [card.name for card in bundle.offered])[0]


def _examples(examples: Sequence[Example]) -> tuple[gr.Accordion, gr.Gallery]:
    """Lay out the strip of examples, hidden where there are none."""
    there = bool(examples)
    with gr.Accordion(
        "Synthetic examples, nobody's", open=True, visible=there, elem_id="examples"
    ) as panel:
        gallery = gr.Gallery(
            [(example.thumbnail, example.caption) for example in examples],
            label="Synthetic examples",
            show_label=False,
            container=False,
            format="png",
            columns=max(3, min(4, len(examples))),
            height=150,
            allow_preview=False,
            object_fit="contain",
            interactive=False,
            buttons=[],
            elem_id="gallery",
        )
    return panel, gallery


def _class_list(bundle: Bundle) -> gr.Radio:
    return gr.Radio(
        choices(bundle),
        value=first_class(bundle),
        label="Super-class (training radiographs)",
        info=wording.without_class(bundle),
        elem_id=CLASS_LIST,
    )


def _group_list() -> gr.Dropdown:
    return gr.Dropdown(
        list(GROUPS),
        value=NOT_STATED,
        label="Compared with",
        filterable=False,
        visible=False,
        elem_id="group",
    )


def _signs() -> gr.Radio:
    return gr.Radio(
        [("+ more of it", "+"), ("− less of it", "-")],
        value="+",
        label="More or less of it",
        show_label=False,
        container=False,
        elem_id="direction",
    )


def _text(text: str, label: str, name: str, *, lines: int = 1, visible: bool = True) -> gr.Textbox:
    """Lay out words, which cannot hold markup."""
    return gr.Textbox(
        text,
        label=label,
        show_label=False,
        container=False,
        lines=lines,
        max_lines=8,
        interactive=False,
        visible=visible,
        elem_id=name,
    )


def _button(
    text: str, name: str, variant: Literal["primary", "secondary", "stop"] = "secondary"
) -> gr.Button:
    return gr.Button(text, variant=variant, min_width=80, interactive=False, elem_id=name)
