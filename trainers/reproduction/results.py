"""The page at the end: our Tables 1 to 4 and Figure 2 beside the paper's."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from daug.bundle import file_digest, read_bundle
from daug.notice import NOTICE
from trainers.adapters.mimic_names import DATASET as MIMIC
from trainers.evaluation.finding_rows import Task
from trainers.reproduction.compared import compared_section, table_4_section
from trainers.reproduction.licences import check_licences
from trainers.reproduction.order import Order
from trainers.reproduction.page import Page, Section, page_html, page_markdown
from trainers.reproduction.protocol import protocol
from trainers.reproduction.state import State, read_json

COMPARABLE = (
    "The paper's rows are copied from it (Jin et al. 2024, arXiv:2412.04828). They are on the same "
    "collection as ours; what was done otherwise stands at the end, and has to be read with every "
    "difference."
)
NOT_COMPARABLE = (
    "The paper's rows are copied from it (Jin et al. 2024, arXiv:2412.04828) and are on MIMIC-CXR. "
    "They are not comparable with ours: other radiographs, other labels, another prevalence, other "
    "reports. The differences show that the pages can be made, and nothing about the method."
)


def write_results(order: Order) -> Mapping[str, Any]:
    """Write the page as Markdown and HTML."""
    page = results_page(order)
    path = order.parts.results
    _write(path, page_markdown(page))
    _write(path.with_suffix(".html"), page_html(page))
    return {"page": path.name}


def results_page(order: Order) -> Page:
    """Return the page of a reproduction whose tables and figure are there."""
    parts = order.parts
    bundle, data = read_bundle(parts.bundle), _found(order, "data")
    ablation = read_json(parts.ablation / "ablation.json")
    sources = data["sources"]  # of all splits: a licence also holds for what only taught
    licences = check_licences(sources, sources)
    same = sources == [MIMIC]
    figures = sorted(parts.figures.glob("*.png"))
    return Page(
        "The paper's tables and figure, made again",
        [
            f"Preset {order.preset}; manifest {order.manifest.name} "
            f"{file_digest(order.manifest)[:12]}; bundle {bundle.name} {bundle.digest[:12]}.",
            COMPARABLE if same else NOT_COMPARABLE,
            *licences.warnings,
            NOTICE,
        ],
        [
            *(compared_section(task, ablation) for task in Task),
            table_4_section(read_json(parts.tables / "classifier.json")),
            Section(
                "Figure 2",
                [
                    "Test radiographs that show most super-classes at once; softmax above sigmoid. "
                    "The paper shows two radiographs with four abnormalities."
                ],
                pictures=[path.relative_to(parts.folder).as_posix() for path in figures],
            ),
            Section(
                "What was done otherwise than in the paper", points=protocol(order, bundle, data)
            ),
            Section("More", points=MORE),
        ],
    )


MORE = (
    "ablation/ablation.md: Tables 1 to 3 with intervals, differences between the rows, and the "
    "spread over the seeds.",
    "tables/retrieval.md and tables/classification.md: the same of the model in the bundle.",
    "tables/classifier.md: Table 4 at every noise level.",
    "bundle/MODEL_CARD.md: what the bundle was trained on and how well it was measured.",
)


def _found(order: Order, stage: str) -> Mapping[str, Any]:
    record = State(order.folder).record_of(stage)
    assert record is not None  # the page comes last
    found: Mapping[str, Any] = record["found"]
    return found


def _write(path: Path, text: str) -> None:
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
