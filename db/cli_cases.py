"""What `daug library` does with cases: import, add, edit, remove, list, show, tag, export."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from daug.errors import LibraryError
from daug.findings import Finding
from db.cli_embedding import (
    BundleOption,
    EmbedOption,
    embed_new,
    embedding_lines,
    end_by,
)
from db.cli_filters import (
    AddedFrom,
    AddedTo,
    Collection,
    Findings,
    MaxAge,
    MinAge,
    Patient,
    Sex,
    Sources,
    Splits,
    Tags,
    Views,
    Words,
    case_filter,
    view_named,
)
from db.cli_options import HERE, CaseIds, JsonOption, LibraryOption, finding_named, tell

if TYPE_CHECKING:
    from daug.import_report import ImportReport


def import_(
    ctx: typer.Context,
    source: Annotated[
        list[Path], typer.Argument(help="A manifest, a ZIP, a folder, or image files.", exists=True)
    ],
    library: LibraryOption = HERE,
    split: Annotated[str | None, typer.Option(help="Of a manifest: only this split.")] = None,
    dataset: Annotated[str, typer.Option(help="Of files: what to call their source.")] = "",
    embed: EmbedOption = True,
    bundle: BundleOption = None,
    as_json: JsonOption = False,
) -> None:
    """Import radiographs: a manifest, a folder, a ZIP, or files. Safe to interrupt and repeat."""
    from db.cli_progress import watched
    from db.library import open_library

    if split is not None and not (len(source) == 1 and source[0].suffix.lower() == ".csv"):
        raise typer.BadParameter("Only a manifest has splits.", param_hint="--split")
    with open_library(library) as opened:
        with watched("files") as on_progress:
            report = opened.import_files(
                source, split=split, dataset=dataset, on_progress=on_progress
            )
        embedding = embed_new(ctx.obj, bundle, opened) if embed else None
    _tell_import(report, embedding, as_json)
    end_by(embedding, bundle)


def add(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="One radiograph.", exists=True, dir_okay=False)],
    library: LibraryOption = HERE,
    present: Findings = None,
    absent: Findings = None,
    report: Annotated[str, typer.Option(help="What was reported of it.")] = "",
    dataset: Annotated[str, typer.Option(help="What to call its source.")] = "",
    embed: EmbedOption = True,
    bundle: BundleOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add one radiograph, and what is known about it."""
    from daug.case import FindingState
    from daug.case_edit import Edit
    from db.facts import Facts
    from db.file_sources import FilesSource
    from db.library import open_library

    states = {finding_named(word): FindingState.ABSENT for word in absent or ()}
    states |= {finding_named(word): FindingState.PRESENT for word in present or ()}
    with open_library(library) as opened:
        result = opened.import_from(lambda key, spare: FilesSource([file], Facts(source=dataset)))
        if result.skipped:
            raise LibraryError(f"{file.name}: {result.skipped[0].reason}")
        if result.duplicates:
            raise LibraryError(
                f"{file.name}: case {result.duplicates[0].case_id} shows exactly these pixels. "
                "Change that one with `daug library edit`."
            )
        (case_id,) = result.imported
        case = opened.edit(case_id, Edit(report=report or None, findings=states))
        embedding = embed_new(ctx.obj, bundle, opened, [case_id]) if embed else None
    near = f" It looks almost like case {case.near_duplicate_of}." if case.near_duplicate_of else ""
    from db.case_documents import case_document

    lines = [f"{case.alias} was added.{near} {' '.join(case.warnings)}"]
    lines += [] if embedding is None else embedding_lines(embedding)
    document = case_document(case) | {"embedding": embedding}
    tell(document, as_json, "\n".join(lines))
    end_by(embedding, bundle)


def edit(
    case_id: Annotated[int, typer.Argument(help="Number of the case.")],
    library: LibraryOption = HERE,
    alias: Annotated[str | None, typer.Option(help="What to call it; never a name.")] = None,
    view: Annotated[str | None, typer.Option(help="PA, AP or lateral.")] = None,
    sex: Annotated[str | None, typer.Option(help="F, M, O or nothing.")] = None,
    age: Annotated[str | None, typer.Option(help="Years; nothing if not known.")] = None,
    report: Annotated[str | None, typer.Option(help="Text; nothing deletes it.")] = None,
    present: Findings = None,
    absent: Findings = None,
    uncertain: Findings = None,
    not_mentioned: Findings = None,
    as_json: JsonOption = False,
) -> None:
    """Change what is said about one case."""
    from daug.case import FindingState
    from daug.case_edit import Edit
    from db.case_documents import case_document
    from db.library import open_library

    states: dict[Finding, FindingState] = {}
    for words, state in (
        (not_mentioned, FindingState.NOT_MENTIONED),
        (uncertain, FindingState.UNCERTAIN),
        (absent, FindingState.ABSENT),
        (present, FindingState.PRESENT),
    ):
        states |= {finding_named(word): state for word in words or ()}
    change = Edit(alias, None if view is None else view_named(view), sex, age, report, states)
    with open_library(library) as opened:
        case = opened.edit(case_id, change)
    tell(case_document(case), as_json, f"{case.alias} was changed.")


def remove(ids: CaseIds, library: LibraryOption = HERE, as_json: JsonOption = False) -> None:
    """Remove cases: rows, files, and what the log says of them."""
    from db.library import open_library

    with open_library(library) as opened:
        opened.remove(ids)
    tell({"removed": ids}, as_json, f"{len(ids)} cases were removed.")


def list_(
    library: LibraryOption = HERE,
    present: Findings = None,
    absent: Findings = None,
    words: Words = "",
    view: Views = None,
    sex: Sex = "",
    min_age: MinAge = None,
    max_age: MaxAge = None,
    source: Sources = None,
    split: Splits = None,
    tag: Tags = None,
    collection: Collection = "",
    patient: Patient = "",
    added_from: AddedFrom = None,
    added_to: AddedTo = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Cases a page.")] = 50,
    after: Annotated[int | None, typer.Option(help="Behind this case, on the next page.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List cases, the newest first."""
    from db.case_documents import case_document
    from db.library import open_library

    wanted = case_filter(
        *(present, absent, words, view, sex, min_age, max_age, source, split, tag),
        *(collection, patient, added_from, added_to),
    )
    with open_library(library) as opened:
        page = opened.page(wanted, limit=limit, after=after)
        cases, total = opened.cases(page.ids), opened.count(wanted)
    document = {
        "total": total,
        "cases": [case_document(case) for case in cases],
        "next_after": page.next_after,
    }
    lines = [
        f"{case.case_id:>7}  {case.alias:<16}  {case.source:<12}  {case.view.value:<8}  "
        f"{', '.join(sorted(case.present)) or '-'}"
        for case in cases
    ]
    more = f"\nMore with --after {page.next_after}." if page.next_after else ""
    tell(document, as_json, "\n".join([f"{total} cases", *lines]) + more)


def show(
    case_id: Annotated[int, typer.Argument(help="Number of the case.")],
    library: LibraryOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Show one case, and the studies of the same patient in their order."""
    from db.case_documents import case_document
    from db.library import open_library

    with open_library(library) as opened:
        case = opened.case(case_id)
        others = [other.case_id for other in opened.same_patient(case_id)]
        document = case_document(case) | {"same_patient": others}
        document |= {
            "original": str(opened.original(case_id)),
            "thumbnail": str(opened.thumbnail(case)),
        }
    lines = [f"{name}: {value}" for name, value in document.items() if value not in (None, "", [])]
    tell(document, as_json, "\n".join(lines))


def tag(
    name: Annotated[str, typer.Argument(help="The tag.")],
    ids: CaseIds,
    library: LibraryOption = HERE,
    take_off: Annotated[bool, typer.Option("--take-off", help="Take it from the cases.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Give cases a tag, or take it from them."""
    _group("tag", name, ids, library, take_off, as_json)


def collect(
    name: Annotated[str, typer.Argument(help="The collection; made if it is new.")],
    ids: CaseIds,
    library: LibraryOption = HERE,
    take_out: Annotated[bool, typer.Option("--take-out", help="Take the cases out.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Put cases into a collection, or take them out."""
    _group("collection", name, ids, library, take_out, as_json)


def export(
    output: Annotated[Path, typer.Option("-o", "--output", help="A new folder.")],
    library: LibraryOption = HERE,
    present: Findings = None,
    absent: Findings = None,
    words: Words = "",
    view: Views = None,
    sex: Sex = "",
    min_age: MinAge = None,
    max_age: MaxAge = None,
    source: Sources = None,
    split: Splits = None,
    tag: Tags = None,
    collection: Collection = "",
    added_from: AddedFrom = None,
    added_to: AddedTo = None,
    as_json: JsonOption = False,
) -> None:
    """Write cases as a manifest and their de-identified files."""
    from db.exporting import MANIFEST, export_cases
    from db.library import open_library

    wanted = case_filter(
        *(present, absent, words, view, sex, min_age, max_age, source, split, tag),
        *(collection, "", added_from, added_to),
    )
    with open_library(library) as opened:
        written = export_cases(opened, opened.ids(wanted).tolist(), output)
    document = {"exported": written, "manifest": str(output / MANIFEST)}
    tell(
        document,
        as_json,
        f"{written} cases were written to {output}. Read their reports before sharing them.",
    )


def _group(what: str, name: str, ids: list[int], library: Path, take: bool, as_json: bool) -> None:
    from db.library import open_library

    with open_library(library) as opened:
        (opened.take_from if take else opened.add_to)(what, name, ids)
        sizes = opened.group_sizes(what)
    tell({what: name, "cases": sizes.get(name, 0)}, as_json, f"{name}: {sizes.get(name, 0)} cases.")


def _tell_import(
    report: "ImportReport", embedding: Mapping[str, Any] | None, as_json: bool
) -> None:
    from db.case_documents import import_document

    lines = [
        f"{len(report.imported)} imported, {len(report.duplicates)} there already, "
        f"{len(report.skipped)} skipped, in {report.seconds:.1f} s."
    ]
    lines += [f"  looks like case {like}: {file}" for file, _, like in report.near_duplicates]
    lines += [f"  warning: {file}: {' '.join(words)}" for file, _, words in report.warned]
    lines += [f"  skipped: {skipped.file}: {skipped.reason}" for skipped in report.skipped]
    lines += [] if embedding is None else embedding_lines(embedding)
    document = import_document(report) | {"embedding": embedding}
    tell(document, as_json, "\n".join(lines))
