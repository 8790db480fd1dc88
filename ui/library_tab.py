"""The tab "Library": look through the cases, change what is said of them, import, and keep order.

What it shows is in `library_screen` and the other screens, what it answers in `browsing`,
`labelling`, `case_removal`, `importing`, `history_screen` and `upkeep_screen`; here they are wired.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr
from gradio.components import Component

from daug.case_desk import CaseDesk, CaseLibrary
from daug.errors import DaugError
from ui.browsing import BrowsingHandlers, Counts
from ui.case_removal import RemovalHandlers
from ui.case_tiles import SmallPictures
from ui.history_screen import HistoryHandlers, HistoryScreen, lay_out_history
from ui.importing import ImportHandlers, Imports
from ui.importing_screen import ImportScreen, lay_out_import
from ui.labelling import LabellingHandlers
from ui.library_parts import Update, button, words
from ui.library_screen import BrowseScreen, lay_out_browse
from ui.library_words import holds, remark
from ui.read_tab import AT_ONCE, LATEST, PRIVATE
from ui.upkeep_screen import UpkeepHandlers, UpkeepScreen, lay_out_upkeep

LIBRARY = "Library"
LOOK_SECONDS = 2  # between two looks at how far the library is embedded
IMPORTING: dict[str, Any] = {**PRIVATE, "concurrency_id": "import", "concurrency_limit": 1}
REMOVING: dict[str, Any] = {**PRIVATE, "concurrency_id": "remove", "concurrency_limit": 1}
CHECKING: dict[str, Any] = {**PRIVATE, "concurrency_id": "verify", "concurrency_limit": 1}
ONE_BY_ONE: dict[str, Any] = {**PRIVATE, "concurrency_id": "label", "concurrency_limit": 1}


@dataclass(frozen=True)
class _Heading:
    """What the library holds, how far it is embedded, and what must be known of it."""

    holds: gr.Textbox
    embed: gr.Button
    stop: gr.Button
    remark: gr.Textbox
    timer: gr.Timer

    @property
    def all(self) -> list[Component]:
        return [self.holds, self.embed, self.stop, self.remark, self.timer]


@dataclass(frozen=True)
class _Watch:
    """Says what the library holds, and lets it be embedded."""

    library: CaseLibrary
    desk: CaseDesk | None
    heading: _Heading

    def look(self) -> Update:
        """Say how things are; ask again while they change by themselves."""
        heading, desk = self.heading, self.desk
        try:
            told, known = holds(self.library, desk), remark(self.library)
            state = None if desk is None or desk.why_no_search else desk.embedding_state()
        except DaugError as error:
            return {heading.holds: str(error), heading.timer: gr.Timer(active=False)}
        running = state is not None and state.running
        rest = state is not None and not state.complete and not running
        return {
            heading.holds: told,
            heading.remark: gr.update(value=known, visible=bool(known)),
            heading.embed: gr.update(visible=rest),
            heading.stop: gr.update(visible=running),
            heading.timer: gr.Timer(active=running),
        }

    def embed(self) -> Update:
        """Embed what is not embedded yet."""
        if self.desk is not None:
            self.desk.start_embedding()
        return {**self.look(), self.heading.timer: gr.Timer(active=True)}

    def stop(self) -> Update:
        """Stop embedding; what is done stays."""
        if self.desk is not None:
            self.desk.stop_embedding()
        return {**self.look(), self.heading.timer: gr.Timer(active=True)}


def add_library_tab(page: gr.Blocks, library: CaseLibrary, desk: CaseDesk | None) -> None:
    """Lay out the tab and wire it.

    Args:
        page: Told when it is loaded, to say how far the library is embedded.
        library: The cases.
        desk: Shows radiographs and embeds what is imported; None for neither.
    """
    with gr.Tab(LIBRARY) as tab:
        heading = _lay_out_heading()
        with gr.Tabs():
            with gr.Tab("Browse") as browse_tab:
                browse = lay_out_browse()
            with gr.Tab("Import") as import_tab:
                importing = lay_out_import()
            with gr.Tab("History") as history_tab:
                history = lay_out_history()
            with gr.Tab("Upkeep"):
                upkeep = lay_out_upkeep()
    watch = _Watch(library, desk, heading)
    browsing = BrowsingHandlers(library, desk, browse, Counts(library), SmallPictures(library))
    showing = [*browse.listed, *browse.named]
    for arrival in (tab.select, browse_tab.select):
        arrival(browsing.arrive, browse.browsed, showing, **AT_ONCE)
    for arrival in (page.load, tab.select, import_tab.select):
        arrival(watch.look, None, heading.all, **AT_ONCE)
    _wire_heading(heading, watch)
    _wire_list(browse, browsing)
    _wire_labels(browse, LabellingHandlers(library, browsing))
    _wire_removal(browse, RemovalHandlers(library, browsing), watch)
    _wire_import(importing, ImportHandlers(library, desk, Imports(), importing), watch)
    _wire_history(history, HistoryHandlers(library, history), history_tab)
    _wire_upkeep(upkeep, UpkeepHandlers(library, upkeep))


def _lay_out_heading() -> _Heading:
    with gr.Row(elem_id="library-heading"):
        told = words("", "What the library holds", "library-holds", lines=2)
        embed = button("Embed the rest", "library-embed", visible=False)
        stop = button("Stop embedding", "library-stop", visible=False)
    known = words("", "Remark", "library-remark", lines=3, visible=False)
    return _Heading(told, embed, stop, known, gr.Timer(LOOK_SECONDS, active=False))


def _wire_heading(heading: _Heading, watch: _Watch) -> None:
    heading.timer.tick(watch.look, None, heading.all, **AT_ONCE)
    heading.embed.click(watch.embed, None, heading.all, **AT_ONCE)
    heading.stop.click(watch.stop, None, heading.all, **AT_ONCE)


def _wire_list(screen: BrowseScreen, handlers: BrowsingHandlers) -> None:
    """Show what is asked for, page by page, and open or select what is clicked."""
    parts, filters = screen.cases, screen.filters
    asked = [screen.browsed, parts.size, *screen.asking]
    gr.on(
        [parts.words.submit, parts.size.input, *filters.chosen, *filters.typed],
        handlers.look,
        asked,
        screen.listed,
        **LATEST,
    )
    screen.clear.click(filters.nothing_asked, None, screen.asking, **AT_ONCE).then(
        handlers.look, asked, screen.listed, **AT_ONCE
    )
    parts.older.click(handlers.older, screen.browsed, screen.listed, **AT_ONCE)
    parts.newer.click(handlers.newer, screen.browsed, screen.listed, **AT_ONCE)
    parts.tiles.select(handlers.click, screen.browsed, screen.opened, **AT_ONCE).then(
        lambda: gr.update(selected_index=None), None, parts.tiles, **AT_ONCE
    )  # else the same case could not be clicked again
    screen.case.patients.select(handlers.click_patient, screen.browsed, screen.opened, **AT_ONCE)
    parts.boxes.input(handlers.choose, [screen.browsed, parts.boxes], screen.choosing, **LATEST)
    parts.page.click(handlers.choose_page, screen.browsed, screen.choosing, **AT_ONCE)
    parts.all.click(handlers.choose_all, screen.browsed, screen.choosing, **AT_ONCE)
    parts.none.click(handlers.choose_none, screen.browsed, screen.choosing, **AT_ONCE)


def _wire_labels(screen: BrowseScreen, handlers: LabellingHandlers) -> None:
    """Change what is said of the selected cases, or of the one that is open."""
    selected, edit, browsed = screen.selected, screen.case.edit, screen.browsed
    about = [selected.done, selected.undo, screen.last]
    changed = [*screen.listed, *screen.named, *screen.opened[1:], *about]
    for press, answer, fields in (
        (selected.give_tag, handlers.give_tag, [selected.tag]),
        (selected.take_tag, handlers.take_tag, [selected.tag]),
        (selected.put_in, handlers.put_in, [selected.collection]),
        (selected.take_out, handlers.take_out, [selected.collection]),
        (selected.set_findings, handlers.set_findings, [selected.findings, selected.state]),
        (selected.undo, handlers.undo_last, [screen.last]),
        (edit.save, handlers.save, edit.fields),
        (edit.collect, handlers.collect, [edit.collection, edit.note]),
    ):
        press.click(answer, [browsed, *fields], changed, **ONE_BY_ONE)


def _wire_removal(screen: BrowseScreen, handlers: RemovalHandlers, watch: _Watch) -> None:
    """Ask before anything is removed, and remove it only for the right answer."""
    selected, confirming = screen.selected, screen.confirming
    selected.remove.click(handlers.ask, screen.browsed, confirming, **AT_ONCE)
    selected.keep.click(handlers.keep, None, confirming, **AT_ONCE)
    selected.number.change(  # `input` misses what is put in at once
        handlers.check, [screen.asked, selected.number], selected.really, **LATEST
    )
    changed = [*screen.listed, *screen.named, *screen.opened[1:], selected.done, selected.undo]
    selected.really.click(
        handlers.remove, [screen.browsed, screen.asked, selected.number], changed, **REMOVING
    ).then(watch.look, None, watch.heading.all, **AT_ONCE)


def _wire_import(screen: ImportScreen, handlers: ImportHandlers, watch: _Watch) -> None:
    """Import in turn, tell how far it is, and embed what came in."""
    run = screen.start.click(handlers.begin, None, screen.going, **AT_ONCE).then(
        handlers.run, [screen.key, *screen.asked], screen.going, **IMPORTING
    )
    run.failure(handlers.recover, screen.key, screen.going, **AT_ONCE)
    run.then(watch.look, None, watch.heading.all, **AT_ONCE)
    screen.stop.click(handlers.stop, screen.key, [screen.status, screen.stop], **AT_ONCE)


def _wire_history(screen: HistoryScreen, handlers: HistoryHandlers, tab: gr.Tab) -> None:
    """Show changes page by page; undo one of them, or show what it did."""
    for arrival, answer in (
        (tab.select, handlers.show),
        (screen.newer.click, handlers.newer),
        (screen.older.click, handlers.older),
    ):
        arrival(answer, screen.start, screen.listed, **AT_ONCE)
    for place, line in enumerate(screen.lines):
        line.undo.click(
            partial(handlers.undo, place),
            [screen.start, screen.numbers],
            screen.listed,
            **ONE_BY_ONE,
        )
        line.show.click(
            partial(handlers.details, place),
            screen.numbers,
            [screen.about, screen.details],
            **AT_ONCE,
        )


def _wire_upkeep(screen: UpkeepScreen, handlers: UpkeepHandlers) -> None:
    """Check the library when somebody asks for it."""
    changed = [screen.status, screen.verify, screen.table]
    screen.verify.click(handlers.verify, [screen.deep, screen.repair], changed, **CHECKING)
