"""The page: the notice on top, the tabs, what the models do not cover at the bottom."""

from pathlib import Path

import gradio as gr

from daug.case_desk import CaseDesk, CaseLibrary
from daug.workstation import Workstation
from ui import wording
from ui.class_choice import gray_out
from ui.compare_tab import add_compare_tab
from ui.examples import read_examples
from ui.keeping import Keeper
from ui.library_tab import add_library_tab
from ui.lost_answers import fetch_lost_answers
from ui.read_controls import CLASS_LIST
from ui.read_tab import add_read_tab
from ui.readings import Readings

SHEETS = ("page.css", "compare.css", "library.css")
ASSETS = Path(__file__).parents[1] / "assets" / "ui"
KEEP = (600, 3600)  # seconds: every ten minutes, files older than an hour are deleted
WAITING = 32  # events in line before a newcomer is turned away


def build_page(
    workstation: Workstation,
    exports: Path,
    examples: Path | None,
    desk: CaseDesk | None = None,
    library: CaseLibrary | None = None,
) -> gr.Blocks:
    """Lay out the page for one workstation.

    Args:
        exports: Folder for files on their way to the browser.
        examples: Folder of the radiographs that come with DAug.
        desk: Where similar cases are asked for.
        library: The cases; without it and the desk there is the tab "Read" alone.
    """
    bundle, readings = workstation.bundle, Readings()
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
        shown = read_examples(examples, workstation)
        with gr.Tabs() as tabs:
            if desk is None or library is None:
                add_read_tab(page, workstation, readings, exports, shown)
            else:
                keeper = Keeper(bundle, desk, library)
                read = add_read_tab(page, workstation, readings, exports, shown, keeper)
                add_compare_tab(tabs, workstation, readings, read.key, desk, library)
                add_library_tab(page, library, desk)
        _words(wording.coverage(bundle), "coverage")
        fetch_lost_answers()
    page.queue(max_size=WAITING)
    return page


def style(workstation: Workstation) -> str:
    """Return the page's style sheet, with the choices grayed out that a bundle does not offer."""
    sheets = ((ASSETS / name).read_text(encoding="utf-8") for name in SHEETS)
    return "".join(sheets) + gray_out(workstation.bundle, CLASS_LIST)


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
