"""How far the library is embedded, told while it goes on, and the names to filter by."""

from dataclasses import dataclass

import gradio as gr

from daug.case_desk import CaseDesk, CaseLibrary
from daug.errors import DaugError
from ui.compare_controls import CANNOT, WITHOUT_HEAT
from ui.compare_screen import CompareScreen, Update
from ui.compared_words import library_line


@dataclass(frozen=True)
class LibraryWatch:
    """Looks at the library for the tab "Compare"."""

    desk: CaseDesk
    library: CaseLibrary
    screen: CompareScreen

    def look(self) -> Update:
        """Say how far it is; ask again in two seconds while that changes."""
        screen = self.screen
        try:
            state = self.desk.embedding_state()
            said = library_line(state, self.library)
        except DaugError as error:
            return {screen.embedded: str(error), screen.timer: gr.Timer(active=False)}
        rest = not state.complete and not state.running
        can = self.desk.can_rank_without_heat
        heat = gr.update(interactive=can, label=WITHOUT_HEAT if can else CANNOT)
        return {
            screen.embedded: gr.update(value=said, visible=bool(said)),
            screen.embed: gr.update(visible=rest),
            screen.stop: gr.update(visible=state.running),
            screen.timer: gr.Timer(active=state.running),
            screen.controls.without_heat: heat,
        }

    def start(self) -> Update:
        """Embed what is not embedded yet."""
        try:
            self.desk.start_embedding()
        except DaugError as error:
            return {self.screen.embedded: str(error)}
        return {**self.look(), self.screen.timer: gr.Timer(active=True)}

    def stop(self) -> Update:
        """Stop embedding; what is done stays."""
        self.desk.stop_embedding()
        return {**self.look(), self.screen.timer: gr.Timer(active=True)}

    def names(self) -> Update:
        """Return the sources, tags and collections to choose from, as they are now."""
        sources = filter(None, self.library.sources())
        known = self.screen.controls.filters.known_names(self.library, sources)
        keep = self.screen.controls.keep.collection
        sizes = self.library.group_sizes("collection")
        return {**known, keep: gr.update(choices=[(f"{n} ({c:,})", n) for n, c in sizes.items()])}
