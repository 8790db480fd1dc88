"""What the tab "Compare" does: ask the library, show an answer, choose a hit, go on to it and back.

A radiograph that is open in Read is compared where it is; nothing is loaded twice, and nothing of
it stays here once it is closed there.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from time import sleep
from typing import Any

import gradio as gr

from daug.case import Case, SearchHit
from daug.case_desk import CaseDesk, CaseLibrary
from daug.errors import DaugError
from daug.findings import Finding
from daug.radiograph import Radiograph
from daug.similar_cases import SearchAnswer
from daug.workstation import Workstation
from ui import compared_words
from ui.answer_panels import base_rates_html, comparison_html, scores_html
from ui.case_pane import PaneText, case_lines, case_pane, named, seen_from
from ui.compare_screen import NOTHING_YET, CompareScreen, Update
from ui.comparison_trail import Subject, Trail
from ui.drawing import BROKEN, CLOSED
from ui.hit_gallery import hit_tiles, prior_tiles
from ui.moved_ranks import moves
from ui.readings import Readings
from ui.report_markup import text_html
from ui.search_settings import Settings, settings_of

SEARCHING = "Searching. The models may have to finish a drawing first."
MOUNTING_SECONDS = 0.3  # a browser takes at most so long to lay out a tab

Updates = Generator[Update, None, None]


@dataclass(frozen=True, eq=False)
class Found:
    """What was asked last and what came of it; the server keeps it for the page."""

    subject: Subject | None
    settings: Settings | None = None
    answer: SearchAnswer | None = None  # None where the question could not be answered
    other: SearchAnswer | None = None  # to the same question, ranked the other way
    priors: tuple[Case, ...] = ()

    @property
    def hits(self) -> tuple[SearchHit, ...]:
        """The hits; none where there is no answer."""
        return self.answer.hits if self.answer else ()

    def ranked_otherwise(self, subject: Subject | None, settings: Settings) -> SearchAnswer | None:
        """Return the answer to a question ranked the other way, if it was asked just before."""
        if self.settings is None or self.subject != subject:
            return None
        if self.settings == settings.with_the_other_ranking():
            return self.answer
        return self.other if self.settings == settings else None


@dataclass(frozen=True, eq=False)
class Compared:
    """The query, as far as it is a radiograph."""

    radiograph: Radiograph
    case: Case | None  # None for a file that is open

    def heading(self) -> str:
        """What the pane is called."""
        return "Query, a case of the library" if self.case else "Query, open in Read"

    def lines(self, shows: frozenset[Finding]) -> list[str]:
        """Return what is known of it.

        Args:
            shows: What a person says that an open file shows.
        """
        if self.case:
            return case_lines(self.case)
        known = f"Shows, as you say: {named(shows)}" if shows else "Findings: none ticked"
        return [f"{self.radiograph.source_name}, {seen_from(self.radiograph.view)}", known]


@dataclass(frozen=True)
class ComparingHandlers:
    """The answers."""

    workstation: Workstation
    readings: Readings
    desk: CaseDesk
    library: CaseLibrary
    screen: CompareScreen

    def begin(self) -> str:
        """Say that a search is under way, before the models are free."""
        return SEARCHING

    def begin_if_new(self, trail: Trail, found: Found | None) -> Any:
        """Say so if what is compared was not asked about yet."""
        return SEARCHING if _is_new(trail, found) else gr.skip()

    def ask_if_new(self, trail: Trail, found: Found | None, *values: Any) -> Updates:
        """Look for cases if what is compared was not asked about yet; see `ask`."""
        if _is_new(trail, found):
            yield from self.ask(trail, found, *values)
        else:
            yield self._unchanged()

    def ask(self, trail: Trail, found: Found | None, *values: Any) -> Updates:
        """Look for cases and show what comes; the query first, the model's scores last.

        Args:
            trail: Whose last step is compared.
            found: What was asked before.
            values: Of `CompareControls.settings`.
        """
        before = found or Found(None)
        subject = trail.subject
        try:
            settings = settings_of(*values)
            compared = self._compared(subject)
        except DaugError as error:
            yield {**self._nothing(subject, str(error)), **self._ways(trail)}
            return
        another = before.subject != subject
        shows = frozenset() if another else settings.shows
        if another and before.subject is not None:
            yield {**self._nothing(subject, SEARCHING), self.screen.scores: ""}
        yield self._query(trail, compared, settings, shows)
        if compared is None and not settings.text:
            yield self._nothing(subject, NOTHING_YET)
            return
        try:
            yield self._answered(before, trail, compared, settings, shows)
        except DaugError as error:
            yield self._nothing(subject, str(error))
        if another:
            yield {self.screen.scores: self._scores(compared)}

    def settle(self, found: Found | None) -> Update:
        """Show the hits once more.

        A gallery in a tab that is being opened can lose an update or take two in the wrong order:
        the browser then says that there are hits, and shows none.
        """
        if found is None or found.answer is None:
            return {self.screen.hits: gr.skip()}
        sleep(MOUNTING_SECONDS)
        subject = found.subject
        if subject is not None and subject.key and self.readings.get(subject.key) is None:
            return {self.screen.hits: gr.skip()}  # closed meanwhile
        return self._galleries(found)

    def select_hit(self, found: Found | None, event: gr.SelectData) -> Update:
        """Show the hit that was clicked."""
        index = event.index
        if found is None or found.answer is None or not 0 <= index < len(found.hits):
            return self._unchanged()
        return self._hit(found, index)

    def select_prior(self, found: Found | None, event: gr.SelectData) -> Update:
        """Show another radiograph of the patient, beside the query."""
        index = event.index
        if found is None or not 0 <= index < len(found.priors):
            return self._unchanged()
        case = found.priors[index]
        heading = f"Prior {index + 1} of {len(found.priors)}, same patient, not ranked"
        return {
            **self._beside(case, heading),
            self.screen.details: comparison_html(case, None, prior=True),
        }

    def follow(self, trail: Trail, selected: int | None) -> Trail:
        """Compare from the case in the right pane."""
        return trail if selected is None else trail.on_to(selected)

    def go_back(self, trail: Trail) -> Trail:
        """Compare from what was compared before."""
        return trail.back()

    def recover(self, trail: Trail) -> Update:
        """Own up to an error that nobody foresaw, and leave nothing half answered."""
        return {**self._nothing(trail.subject, BROKEN), **self._ways(trail)}

    def _compared(self, subject: Subject | None) -> Compared | None:
        """Return the radiograph that is compared.

        Raises:
            DaugError: If it is no longer open or no longer in the library.
        """
        if subject is None:
            return None
        if subject.case_id is not None:
            case = self.library.case(subject.case_id)
            return Compared(self.desk.radiograph(case.case_id), case)
        reading = self.readings.get(subject.key)
        if reading is None:
            raise DaugError(CLOSED)
        return Compared(reading.radiograph, None)

    def _query(
        self,
        trail: Trail,
        compared: Compared | None,
        settings: Settings,
        shows: frozenset[Finding],
    ) -> Update:
        """Show what is compared."""
        screen, controls = self.screen, self.screen.controls
        is_file = compared is not None and compared.case is None
        both = compared is not None and bool(settings.text)
        return {
            **self._ways(trail),
            screen.query: self._query_pane(compared, settings, shows),
            controls.shows: gr.update(visible=is_file, value=sorted(shows)),
            controls.weight: gr.update(visible=both),
        }

    def _query_pane(
        self, compared: Compared | None, settings: Settings, shows: frozenset[Finding]
    ) -> Any:
        if compared is None:
            return None
        synthetic = compared.case is not None and compared.case.synthetic
        lines = compared.lines(shows)
        text = PaneText(compared.heading(), lines, synthetic, settings.imagined)
        return case_pane(compared.radiograph, text)

    def _answered(
        self,
        before: Found,
        trail: Trail,
        compared: Compared | None,
        settings: Settings,
        shows: frozenset[Finding],
    ) -> Update:
        subject = trail.subject
        answer = self.desk.ask(self._question(compared, settings, shows))
        if subject is not None and subject.key and self.readings.get(subject.key) is None:
            return self._nothing(subject, CLOSED)
        priors = self._priors(compared)
        other = before.ranked_otherwise(subject, settings)
        found = Found(subject, settings, answer, other, tuple(priors))
        screen = self.screen
        shown = self._hit(found, 0) if answer.hits else self._nothing(subject, "")
        warning = compared_words.warning(answer)
        return {
            **shown,
            screen.found: found,
            screen.status: compared_words.told(answer, settings, other),
            screen.banner: gr.update(value=warning, visible=bool(warning)),
            screen.rates: base_rates_html(answer.base_rates),
            **self._galleries(found),
        }

    def _galleries(self, found: Found) -> Update:
        """Show the hits, and the patient's other radiographs if there are any."""
        moved = moves(found.hits, found.other.hits if found.other else ())
        priors = prior_tiles(found.priors, self.library)
        return {
            self.screen.hits: gr.update(value=hit_tiles(found.hits, moved, self.library)),
            self.screen.priors: gr.update(value=priors, visible=bool(priors)),
        }

    def _question(
        self, compared: Compared | None, settings: Settings, shows: frozenset[Finding]
    ) -> Any:
        bundle = self.workstation.bundle
        if compared is None:
            return settings.question(bundle)
        case = compared.case
        if case is None:
            return settings.question(bundle, radiograph=compared.radiograph, present=shows)
        return settings.question(
            bundle, case_id=case.case_id, present=case.present, absent=case.absent
        )

    def _priors(self, compared: Compared | None) -> Sequence[Case]:
        if compared is None:
            return ()
        if compared.case is None:
            return self.desk.priors(compared.radiograph)
        own = compared.case.case_id
        return [case for case in self.library.same_patient(own) if case.case_id != own]

    def _hit(self, found: Found, index: int) -> Update:
        hit, count = found.hits[index], len(found.hits)
        arrow = moves(found.hits, found.other.hits if found.other else ())[hit.case.case_id]
        rank = " ".join(part for part in (f"Hit {hit.rank} of {count}", arrow) if part)
        comparison = found.answer.comparisons[index] if found.answer else None
        return {
            **self._beside(hit.case, f"{rank}, similarity {hit.similarity:.2f}"),
            self.screen.details: comparison_html(hit.case, comparison),
        }

    def _beside(self, case: Case, heading: str) -> Update:
        """Show a case in the right pane."""
        screen = self.screen
        text = PaneText(heading, case_lines(case), case.synthetic)
        try:
            picture: Any = case_pane(self.desk.radiograph(case.case_id), text)
            said: Any = gr.skip()
        except DaugError as error:
            picture, said = None, str(error)
        return {
            screen.selected: case.case_id,
            screen.hit: picture,
            screen.status: said,
            screen.follow: gr.update(interactive=True),
        }

    def _scores(self, compared: Compared | None) -> str:
        """Return what the model says of the query's findings; no reason to hide the hits."""
        embedder = self.workstation.embedder
        if compared is None or embedder is None:
            return scores_html(())
        try:
            return scores_html(embedder.classify(compared.radiograph))
        except DaugError as error:
            return text_html(str(error))

    def _ways(self, trail: Trail) -> Update:
        return {self.screen.back: gr.update(interactive=trail.can_go_back)}

    def _nothing(self, subject: Subject | None, said: str) -> Update:
        """Return a screen without hits, which remembers what was compared."""
        return {**self.screen.without_hits(said), self.screen.found: Found(subject)}

    def _unchanged(self) -> Update:
        """Return no change: where a handler returns nothing, Gradio clears the screen."""
        return {self.screen.status: gr.skip()}


def _is_new(trail: Trail, found: Found | None) -> bool:
    return trail.subject != (found.subject if found else None)
