"""The page: the notice on top, the tabs, what the models do not cover at the bottom."""

from pathlib import Path

import gradio as gr

from daug.workstation import Workstation
from ui import wording
from ui.class_choice import gray_out
from ui.examples import read_examples
from ui.read_controls import CLASS_LIST
from ui.read_tab import add_read_tab
from ui.readings import Readings

ASSETS = Path(__file__).parents[1] / "assets" / "ui"
KEEP = (600, 3600)  # seconds: every ten minutes, files older than an hour are deleted
WAITING = 32  # events in line before a newcomer is turned away


def build_page(workstation: Workstation, exports: Path, examples: Path | None) -> gr.Blocks:
    """Lay out the page for one workstation.

    Args:
        exports: Folder for files on their way to the browser.
        examples: Folder of the radiographs that come with DAug.
    """
    bundle = workstation.bundle
    page: gr.Blocks
    with gr.Blocks(
        title="DAug",
        analytics_enabled=False,
        delete_cache=KEEP,
        fill_width=True,
    ) as page:
        with gr.Row(elem_id="top"):
            _words("DAug", "name")
            _words(wording.NOTICE, "notice")
            _words(wording.bundle_line(bundle), "models")
        add_read_tab(page, workstation, Readings(), exports, read_examples(examples, workstation))
        _words(wording.coverage(bundle), "coverage")
    page.queue(max_size=WAITING)
    return page


def style(workstation: Workstation) -> str:
    """Return the page's style sheet, with the choices grayed out that a bundle does not offer."""
    sheet = (ASSETS / "page.css").read_text(encoding="utf-8")
    return sheet + gray_out(workstation.bundle, CLASS_LIST)


def theme() -> gr.themes.Base:
    """Return a dark theme: a bright surround dazzles whoever looks at dark lungs."""
    return gr.themes.Base(
        primary_hue="amber",
        neutral_hue="zinc",
        text_size="sm",
        spacing_size="sm",
        radius_size="sm",
        font=["system-ui", "sans-serif"],
        font_mono=["monospace"],
    )


def _words(text: str, name: str) -> None:
    """Show text as text; nothing in it can be markup."""
    gr.Textbox(
        text, show_label=False, container=False, interactive=False, elem_id=name, max_lines=2
    )
