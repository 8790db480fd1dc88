"""What the part "Import" of the tab "Library" shows."""

from dataclasses import dataclass

import gradio as gr
from gradio.components import Component

from ui.library_parts import button, rows, words
from ui.reading_column import progress_bar

KINDS = "DICOM, PNG, JPEG, TIFF, or one ZIP of them"


@dataclass(frozen=True)
class ImportScreen:
    """All of it."""

    key: gr.State  # names the import that this page has begun
    files: gr.File
    path: gr.Textbox
    split: gr.Textbox
    source: gr.Textbox
    start: gr.Button
    stop: gr.Button
    bar: gr.Markdown
    status: gr.Textbox
    table: gr.Dataframe

    @property
    def asked(self) -> list[Component]:
        """What is to be imported."""
        return [self.files, self.path, self.split, self.source]

    @property
    def going(self) -> list[Component]:
        """What an import may change."""
        return [self.key, self.files, self.start, self.stop, self.bar, self.status, self.table]


def lay_out_import() -> ImportScreen:
    """Lay out the screen inside the tab that is under way."""
    key = gr.State(value=None)
    with gr.Row(equal_height=False, elem_id="library-import"):
        with gr.Column(scale=0, min_width=380, elem_id="import-controls"):
            files = gr.File(
                label=f"Files: {KINDS}",
                file_count="multiple",
                height=110,
                elem_id="import-files",
            )
            path = gr.Textbox(
                label="Or a path on this machine",
                info="A manifest (.csv), a folder, a ZIP or a file.",
                max_lines=1,
                max_length=4000,
                elem_id="import-path",
            )
            with gr.Row():
                split = gr.Textbox(
                    label="Split (of a manifest)",
                    placeholder="all",
                    max_lines=1,
                    max_length=200,
                    min_width=120,
                    elem_id="import-split",
                )
                source = gr.Textbox(
                    label="Source's name (of files)",
                    placeholder="none",
                    max_lines=1,
                    max_length=200,
                    min_width=120,
                    elem_id="import-source",
                )
            with gr.Row():
                start = button("Import", "import-start", variant="primary")
                stop = button("Stop", "import-stop", variant="stop", interactive=False)
            words(
                "Names and dates are dropped on the way in. An import can be stopped and begun "
                "again: what is there already is recognised. Closing this page stops it.",
                "About imports",
                "import-about",
                lines=5,
            )
        with gr.Column(scale=1, min_width=500, elem_id="import-result"):
            status = words("Choose files or write a path.", "Status", "import-status", lines=4)
            bar = gr.Markdown(progress_bar(0, 0), elem_id="import-bar")
            table = rows(
                ["File", "What", "Why"],
                ["32%", "16%", "52%"],
                "Files of which something is to be said",
                "import-table",
            )
    return ImportScreen(key, files, path, split, source, start, stop, bar, status, table)
