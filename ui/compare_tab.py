"""The tab "Compare": similar cases beside the radiograph that is open in the tab "Read".

What the tab shows is in `compare_screen`, what it answers in `comparing`, `library_watch` and
`keeping`; here they are wired.
"""

from typing import Any

import gradio as gr

from daug.case_desk import CaseDesk, CaseLibrary
from daug.workstation import Workstation
from ui.compare_screen import CompareScreen, Update, lay_out_compare_screen
from ui.comparing import ComparingHandlers
from ui.comparison_keeping import ComparisonKeeper
from ui.comparison_trail import Trail
from ui.keeping import Keeper
from ui.library_watch import LibraryWatch
from ui.read_tab import AT_ONCE, IN_TURN
from ui.readings import Readings
from ui.search_settings import AS_IT_IS

COMPARE = "Compare"
NEWEST: dict[str, Any] = {**IN_TURN, "trigger_mode": "always_last"}  # a newer question waits


def add_compare_tab(
    tabs: gr.Tabs,
    workstation: Workstation,
    readings: Readings,
    opened: gr.State,
    desk: CaseDesk,
    library: CaseLibrary,
) -> None:
    """Lay out the tab and wire it; without a search it says why, and offers nothing else.

    Args:
        tabs: Tell which tab is looked at.
        workstation: Scores findings; its bundle names what can be imagined.
        readings: Where open radiographs are kept.
        opened: Key of the one that is open in Read.
        desk: Answers questions about similar cases.
        library: The cases.
    """
    with gr.Tab(COMPARE):
        if desk.why_no_search:
            no_search(desk.why_no_search)
            return
        heat = desk.can_rank_without_heat
        screen = lay_out_compare_screen(workstation.bundle, can_rank_without_heat=heat)
    handlers = ComparingHandlers(workstation, readings, desk, library, screen)
    watch = LibraryWatch(desk, library, screen)
    _wire_questions(screen, handlers)
    _wire_choices(screen, handlers)
    _wire_arrival(tabs, opened, screen, handlers, watch)
    _wire_library(screen, watch)
    keeper = Keeper(workstation.bundle, desk, library)
    _wire_keeping(screen, ComparisonKeeper(keeper, readings))


def no_search(why: str) -> None:
    """Say why nothing can be compared, in the tab that is under way."""
    gr.Textbox(
        why,
        label="Why there is no search",
        show_label=False,
        container=False,
        interactive=False,
        max_lines=4,
        elem_id="compare-why-not",
        elem_classes="plain-words",
    )


def _asked(event: Any, screen: CompareScreen, handlers: ComparingHandlers) -> None:
    """Ask after an event; a newer question is asked after it, and its answer stays."""
    begun = event.then(handlers.begin, None, screen.status, **AT_ONCE)
    _settled(
        begun.then(handlers.ask, _question(screen), screen.answered, **NEWEST), screen, handlers
    )


def _asked_if_new(event: Any, screen: CompareScreen, handlers: ComparingHandlers) -> None:
    """Ask after an event if what is compared was not asked about yet."""
    new = [screen.trail, screen.found]
    begun = event.then(handlers.begin_if_new, new, screen.status, **AT_ONCE)
    asked = begun.then(handlers.ask_if_new, _question(screen), screen.answered, **NEWEST)
    _settled(asked, screen, handlers)


def _settled(asked: Any, screen: CompareScreen, handlers: ComparingHandlers) -> None:
    """Own up to a failure; show the hits once more to a browser that was still laying them out."""
    asked.failure(handlers.recover, screen.trail, screen.answered, **AT_ONCE)
    asked.success(handlers.settle, screen.found, [screen.hits, screen.priors], **AT_ONCE)


def _question(screen: CompareScreen) -> list[Any]:
    return [screen.trail, screen.found, *screen.controls.settings]


def _wire_questions(screen: CompareScreen, handlers: ComparingHandlers) -> None:
    """Ask whenever anything of the question changes."""
    controls = screen.controls
    choices = (controls.kind, controls.shows, controls.same_patient, controls.without_heat)
    changed = gr.on(
        [
            controls.search.click,
            controls.text.submit,
            *(choice.input for choice in (*choices, controls.change, controls.direction)),
            *(slider.release for slider in (controls.weight, controls.k)),
            *controls.filters.chosen,
            *controls.filters.typed,
        ],
        lambda: None,
        **{**AT_ONCE, "trigger_mode": "multiple"},
    )
    _asked(changed, screen, handlers)
    fields = controls.filters.fields
    cleared = controls.clear.click(controls.filters.nothing_asked, None, fields, **AT_ONCE)
    _asked(cleared, screen, handlers)
    controls.change.change(
        lambda name: gr.update(visible=name != AS_IT_IS),
        controls.change,
        controls.direction,
        **AT_ONCE,
    )


def _wire_choices(screen: CompareScreen, handlers: ComparingHandlers) -> None:
    """Show what is chosen, go on to it, and come back."""
    screen.hits.select(handlers.select_hit, screen.found, screen.chosen, **AT_ONCE)
    screen.priors.select(handlers.select_prior, screen.found, screen.chosen, **AT_ONCE)
    place = [screen.trail, screen.selected]
    follow = screen.follow.click(handlers.follow, place, screen.trail, **AT_ONCE)
    back = screen.back.click(handlers.go_back, screen.trail, screen.trail, **AT_ONCE)
    for event in (follow, back):
        _asked(event, screen, handlers)


def _wire_arrival(
    tabs: gr.Tabs,
    opened: gr.State,
    screen: CompareScreen,
    handlers: ComparingHandlers,
    watch: LibraryWatch,
) -> None:
    """Compare what is open in Read as soon as somebody looks at the tab, and not before."""

    def arrive(event: gr.SelectData, key: str | None, trail: Trail) -> Update:
        if event.value != COMPARE:
            return {screen.active: False, screen.timer: gr.Timer(active=False)}
        here = {screen.active: True, screen.trail: trail.begun_with(key)}
        return {**here, **watch.look(), **watch.names()}

    def another(key: str | None, active: bool, trail: Trail) -> Trail:
        return trail.begun_with(key) if active else trail

    filters = screen.controls.filters
    names = [filters.sources, filters.tags, filters.collection]
    changed = [screen.active, screen.trail, *screen.library_state, *names]
    came = tabs.select(
        arrive,
        [opened, screen.trail],
        [*changed, screen.controls.keep.collection],
        **AT_ONCE,
    )
    opening = opened.change(another, [opened, screen.active, screen.trail], screen.trail, **AT_ONCE)
    for event in (came, opening):
        _asked_if_new(event, screen, handlers)


def _wire_library(screen: CompareScreen, watch: LibraryWatch) -> None:
    """Tell how far the library is embedded, go on with it, and stop it."""
    screen.timer.tick(watch.look, None, screen.library_state, **AT_ONCE)
    screen.embed.click(watch.start, None, screen.library_state, **AT_ONCE)
    screen.stop.click(watch.stop, None, screen.library_state, **AT_ONCE)


def _wire_keeping(screen: CompareScreen, keeping: ComparisonKeeper) -> None:
    """Save the query or the case in the right pane."""
    box = screen.controls.keep
    assert box.what is not None
    place = [screen.trail, screen.found, screen.selected]
    box.save.click(
        keeping.save, [box.what, box.collection, box.note, *place], box.said, **AT_ONCE
    ).then(keeping.keeper.choices, None, box.collection, **AT_ONCE)
