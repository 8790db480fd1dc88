"""What the part "Browse" of the tab "Library" shows, and which parts of it an answer may change.

    filters    on the left: what cases must be, and what to do with the selected ones
    list       beside them: words to look for, one page of cases, the way to the next
    case       on the right: one of them, large, with all that is known of it

Nothing here answers what a person does.
"""

from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from daug.case import FindingState
from daug.findings import Finding
from daug.view import View
from ui.browsed import SIZES, Browsed
from ui.case_filter_controls import CaseFilterControls, lay_out_case_filter
from ui.library_parts import button, names, words

SEXES = [("not known", ""), ("female", "F"), ("male", "M"), ("other", "O")]
KEPT_SECONDS = 4 * 3600  # that an idle page keeps its place


@dataclass(frozen=True)
class ListParts:
    """One page of cases, and the way through them."""

    words: gr.Textbox
    status: gr.Textbox
    newer: gr.Button
    place: gr.Textbox
    older: gr.Button
    size: gr.Radio
    tiles: gr.Gallery
    boxes: gr.CheckboxGroup  # one over each picture; the page's style sheet puts them there
    told: gr.Textbox
    page: gr.Button
    all: gr.Button
    none: gr.Button


@dataclass(frozen=True)
class SelectedParts:
    """What can be done with the selected cases."""

    panel: gr.Accordion
    tag: gr.Dropdown
    give_tag: gr.Button
    take_tag: gr.Button
    collection: gr.Dropdown
    put_in: gr.Button
    take_out: gr.Button
    findings: gr.Dropdown
    state: gr.Dropdown
    set_findings: gr.Button
    done: gr.Textbox
    undo: gr.Button
    remove: gr.Button
    question: gr.Textbox
    number: gr.Textbox
    really: gr.Button
    keep: gr.Button

    @property
    def confirmation(self) -> list[Component]:
        """What stands between a person and the removal of cases."""
        return [self.question, self.number, self.really, self.keep]

    @property
    def actions(self) -> list[gr.Button]:
        """The buttons that need selected cases."""
        labels = (self.give_tag, self.take_tag, self.put_in, self.take_out, self.set_findings)
        return [*labels, self.remove]


@dataclass(frozen=True)
class EditParts:
    """What is said about the case that is open, as a form."""

    panel: gr.Accordion
    alias: gr.Textbox
    view: gr.Dropdown
    sex: gr.Dropdown
    age: gr.Textbox
    report: gr.Textbox
    save: gr.Button
    collection: gr.Dropdown
    note: gr.Textbox
    collect: gr.Button

    @property
    def fields(self) -> list[Component]:
        """The fields of the case itself."""
        return [self.alias, self.view, self.sex, self.age, self.report]


@dataclass(frozen=True)
class CaseParts:
    """One case."""

    column: gr.Column
    picture: gr.Image
    facts: gr.Markdown
    patients: gr.Gallery
    edit: EditParts
    told: gr.Textbox


@dataclass(frozen=True)
class BrowseScreen:
    """All of it."""

    browsed: gr.State  # Browsed
    asked: gr.State  # cases that somebody was asked about before they are removed
    last: gr.State  # number of the change that was made here last
    panel: gr.Accordion  # of the filters
    filters: CaseFilterControls
    clear: gr.Button
    cases: ListParts
    selected: SelectedParts
    case: CaseParts

    @property
    def listed(self) -> list[Any]:
        """What another page or another selection may change."""
        parts, selected = self.cases, self.selected
        way = (parts.status, parts.newer, parts.place, parts.older, parts.tiles, parts.boxes)
        about = (self.panel, selected.panel, parts.told, parts.all, parts.none, parts.page)
        return [self.browsed, *way, *about, *selected.actions, *self.confirming]

    @property
    def choosing(self) -> list[Any]:
        """What another selection may change."""
        return [part for part in self.listed if part is not self.cases.tiles]

    @property
    def confirming(self) -> list[Component]:
        """What asks before cases are removed."""
        return [self.asked, *self.selected.confirmation]

    @property
    def named(self) -> list[Component]:
        """The lists of names, which every change of the library may change."""
        filters, selected = self.filters, self.selected
        lists = (filters.tags, filters.collection, filters.sources)
        return [*lists, selected.tag, selected.collection, self.case.edit.collection]

    @property
    def opened(self) -> list[Any]:
        """What another open case may change."""
        case, edit = self.case, self.case.edit
        shown = (case.column, case.picture, case.facts, case.patients, case.told)
        return [self.browsed, *shown, *edit.fields, edit.note, edit.panel]

    @property
    def asking(self) -> list[Component]:
        """The fields of a question, in the order of `filter_of`, the search box among them."""
        own = self.filters.words
        return [self.cases.words if field is own else field for field in self.filters.fields]


def lay_out_browse() -> BrowseScreen:
    """Lay out the screen inside the tab that is under way."""
    browsed = gr.State(Browsed(), time_to_live=KEPT_SECONDS)
    asked, last = gr.State(frozenset[int]()), gr.State(None)
    with gr.Row(equal_height=False, elem_id="library-browse"):
        with gr.Column(scale=0, min_width=286, elem_id="library-controls"):
            with gr.Accordion("Filters", open=True, elem_id="library-filters") as panel:
                filters = lay_out_case_filter("library")
                filters.words.visible = False  # the search box above the cases is in its place
                clear = button("Clear filters", "library-clear")
            selected = _selected()
        with gr.Column(scale=1, min_width=420, elem_id="library-list"):
            parts = _list()
        case = _case()
    return BrowseScreen(browsed, asked, last, panel, filters, clear, parts, selected, case)


def _list() -> ListParts:
    search = gr.Textbox(
        label="Words in the report",
        show_label=False,
        container=False,
        placeholder='Words in the reports, then Enter: effusion "left lower lobe"',
        max_lines=1,
        max_length=500,
        elem_id="library-search",
    )
    with gr.Row(elem_id="library-way"):
        newer = button("◀ Newer", "library-newer", interactive=False)
        place = words("", "Page", "library-place", lines=1)
        older = button("Older ▶", "library-older", interactive=False)
        size = _choice([f"{size}" for size in SIZES], f"{SIZES[0]}", "Show", "library-size")
    with gr.Row(elem_id="library-choose"):
        status = words("", "Status of the list", "library-status", lines=2)
        told = words("None is selected.", "How many are selected", "library-chosen", lines=1)
        page = button("Select page", "library-choose-page")
        every = button("Select all", "library-choose-all", interactive=False)
        none = button("None", "library-choose-none", interactive=False)
    with gr.Column(elem_id="library-grid"):
        tiles = gr.Gallery(
            label="Cases, the newest first",
            show_label=False,
            container=False,
            format="jpeg",  # as the library keeps small pictures; PNG takes sixty times as long
            columns=5,
            height="auto",
            allow_preview=False,
            object_fit="contain",
            interactive=False,
            buttons=[],
            elem_id="library-tiles",
        )
        boxes = gr.CheckboxGroup(
            [],
            label="Select cases",
            show_label=False,
            container=False,
            elem_id="library-boxes",
        )
    way = (search, status, newer, place, older, size, tiles, boxes)
    return ListParts(*way, told, page, every, none)


def _selected() -> SelectedParts:
    states = [state.value for state in FindingState]
    with gr.Accordion("Selected cases", open=False, elem_id="library-selected") as panel:
        tag = names("Tag, or a new one", "library-give-tag")
        with gr.Row():
            give_tag = button("Tag", "library-tag-on", interactive=False)
            take_tag = button("Untag", "library-tag-off", interactive=False)
        collection = names("Collection, or a new one's name", "library-give-collection")
        with gr.Row():
            put_in = button("Put in", "library-put-in", interactive=False)
            take_out = button("Take out", "library-take-out", interactive=False)
        findings = gr.Dropdown(
            [finding.value for finding in Finding],
            value=[],
            multiselect=True,
            label="Findings",
            elem_id="library-set-findings",
        )
        with gr.Row(elem_id="library-set-row"):
            state = gr.Dropdown(
                states,
                value=states[0],
                label="State",
                show_label=False,
                container=False,
                min_width=120,
                elem_id="library-set-state",
            )
            set_findings = button("Set", "library-set", interactive=False)
        done = words("", "What was done", "library-done", lines=4)
        undo = button("Undo this", "library-undo-last", visible=False)
        remove = button("Remove…", "library-remove", interactive=False, variant="stop")
        question = words("", "Before cases are removed", "library-question", lines=6, visible=False)
        number = gr.Textbox(
            label="How many cases are removed",
            max_lines=1,
            max_length=12,
            visible=False,
            elem_id="library-number",
        )
        with gr.Row():
            really = button("Remove", "library-really", visible=False, variant="stop")
            keep = button("Keep them", "library-keep", visible=False)
    groups = (tag, give_tag, take_tag, collection, put_in, take_out)
    labels = (findings, state, set_findings, done, undo)
    return SelectedParts(panel, *groups, *labels, remove, question, number, really, keep)


def _case() -> CaseParts:
    with gr.Column(scale=0, min_width=392, visible=False, elem_id="library-case") as column:
        picture = gr.Image(
            format="png",
            label="The case that is open",
            show_label=False,
            container=False,
            interactive=False,
            buttons=["fullscreen"],
            elem_id="library-picture",
            alt_text="The radiograph of the case that is open, with who and what it shows",
        )
        patients = gr.Gallery(
            label="This patient's radiographs, oldest first",
            format="png",
            columns=10,
            height="auto",
            allow_preview=False,
            object_fit="contain",
            interactive=False,
            buttons=[],
            visible=False,
            elem_id="library-patient",
            elem_classes="case-row",
        )
        facts = gr.Markdown("", sanitize_html=True, latex_delimiters=[], elem_id="library-facts")
        told = words("", "What became of the change", "library-case-told", lines=3)
        edit = _edit()
    return CaseParts(column, picture, facts, patients, edit, told)


def _edit() -> EditParts:
    views = [view.value for view in View]
    with gr.Accordion("Change this case", open=False, elem_id="library-edit") as panel:
        alias = gr.Textbox(
            label="Alias (never a name)", max_lines=1, max_length=200, elem_id="library-alias"
        )
        with gr.Row():
            view = gr.Dropdown(views, label="View", min_width=110, elem_id="library-set-view")
            sex = gr.Dropdown(SEXES, value="", label="Sex", min_width=90, elem_id="library-set-sex")
            age = gr.Textbox(
                label="Age", max_lines=1, max_length=32, min_width=80, elem_id="library-age"
            )
        report = gr.Textbox(
            label="Report", lines=4, max_lines=12, max_length=200_000, elem_id="library-report"
        )
        save = button("Save", "library-save")
        collection = names("Collection, or a new one's name", "library-collect")
        note = gr.Textbox(
            label="Note there", lines=2, max_lines=6, max_length=10_000, elem_id="library-note"
        )
        collect = button("Put it in, with this note", "library-collect-save")
    return EditParts(panel, alias, view, sex, age, report, save, collection, note, collect)


def _choice(choices: list[str], chosen: str, label: str, name: str) -> gr.Radio:
    return gr.Radio(choices, value=chosen, label=label, elem_id=name, elem_classes="library-choice")
