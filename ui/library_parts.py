"""The small parts that the screens of the tab "Library" are made of; none can hold markup."""

from typing import Any, Literal

import gradio as gr

Update = dict[Any, Any]  # components, each with its new value


def words(text: str, label: str, name: str, *, lines: int = 2, visible: bool = True) -> gr.Textbox:
    """Lay out words to read."""
    return gr.Textbox(
        text,
        label=label,
        show_label=False,
        container=False,
        lines=1,
        max_lines=lines,
        interactive=False,
        visible=visible,
        elem_id=name,
        elem_classes="plain-words",
    )


def button(
    text: str,
    name: str,
    *,
    visible: bool = True,
    interactive: bool = True,
    variant: Literal["primary", "secondary", "stop"] = "secondary",
) -> gr.Button:
    """Lay out a small button."""
    return gr.Button(
        text,
        size="sm",
        min_width=60,
        visible=visible,
        interactive=interactive,
        variant=variant,
        elem_id=name,
    )


def names(label: str, name: str, *, several: bool = False) -> gr.Dropdown:
    """Lay out a list of names to choose from, or to write a new one into."""
    return gr.Dropdown(
        [],
        value=[] if several else None,
        multiselect=several,
        allow_custom_value=True,
        label=label,
        min_width=90,
        elem_id=name,
    )


def rows(headers: list[str], widths: list[str], label: str, name: str) -> gr.Dataframe:
    """Lay out a table of texts."""
    return gr.Dataframe(
        [],
        headers=headers,
        column_count=len(headers),
        datatype="str",
        type="array",
        interactive=False,
        wrap=True,
        column_widths=list(widths),
        label=label,
        show_label=False,
        buttons=[],
        visible=False,
        elem_id=name,
        elem_classes="library-rows",
    )


def counted(sizes: dict[str, int]) -> list[tuple[str, str]]:
    """Return names with how many cases each has, to choose from."""
    return [(f"{name} ({size:,})", name) for name, size in sizes.items()]
