"""What `daug library` does with cases: import, add, edit, remove, list, show, tag, export."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from daug.errors import LibraryError
from daug.findings import Finding
from db.cli_options import HERE, CaseIds, JsonOption, LibraryOption, finding_named, tell

if TYPE_CHECKING:
    from daug.case_query import CaseFilter
    from daug.import_report import ImportReport, Progress
    from daug.radiograph import View
    from db.library import Library, SourceMaker

Findings = Annotated[list[str] | None, typer.Option(help="A finding; may be repeated.")]
Words = Annotated[str, typer.Option("--words", help='Words of the report; "a phrase" in quotes.')]
Views = Annotated[list[str] | None, typer.Option("--view", help="PA, AP or lateral.")]
Sex = Annotated[str, typer.Option(help="F, M or O.")]
MinAge = Annotated[float | None, typer.Option(min=0, help="Years.")]
MaxAge = Annotated[float | None, typer.Option(min=0, help="Years.")]
Sources = Annotated[list[str] | None, typer.Option("--source", help="A data set.")]
Splits = Annotated[list[str] | None, typer.Option("--split", help="A split of it.")]
Tags = Annotated[list[str] | None, typer.Option("--tag", help="A tag that cases bear.")]
Collection = Annotated[str, typer.Option(help="The cases of this collection.")]
Patient = Annotated[str, typer.Option(help="The cases of this pseudonym.")]


def import_(
    source: Annotated[
        list[Path], typer.Argument(help="A manifest, a ZIP, a folder, or image files.", exists=True)
    ],
    library: LibraryOption = HERE,
    split: Annotated[str | None, typer.Option(help="Of a manifest: only this split.")] = None,
    dataset: Annotated[str, typer.Option(help="Of files: what to call their source.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Import radiographs: a manifest, a folder, a ZIP, or files. Safe to interrupt and repeat."""
    from db.library import open_library

    make = _source_maker(source, split, dataset)
    with open_library(library) as opened:
        report = _watched_import(opened, make)
    _tell_import(report, as_json)


def add(
    file: Annotated[Path, typer.Argument(help="One radiograph.", exists=True, dir_okay=False)],
    library: LibraryOption = HERE,
    present: Findings = None,
    absent: Findings = None,
    report: Annotated[str, typer.Option(help="What was reported of it.")] = "",
    dataset: Annotated[str, typer.Option(help="What to call its source.")] = "",
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
    near = f" It looks almost like case {case.near_duplicate_of}." if case.near_duplicate_of else ""
    from db.case_documents import case_document

    tell(case_document(case), as_json, f"{case.alias} was added.{near} {' '.join(case.warnings)}")


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
    change = Edit(alias, None if view is None else _view(view), sex, age, report, states)
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
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Cases a page.")] = 50,
    after: Annotated[int | None, typer.Option(help="Behind this case, on the next page.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List cases, the newest first."""
    from db.case_documents import case_document
    from db.library import open_library

    wanted = _filter(
        present, absent, words, view, sex, min_age, max_age, source, split, tag, collection, patient
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
    as_json: JsonOption = False,
) -> None:
    """Write cases as a manifest and their de-identified files."""
    from db.exporting import MANIFEST, export_cases
    from db.library import open_library

    wanted = _filter(
        present, absent, words, view, sex, min_age, max_age, source, split, tag, collection, ""
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


def _source_maker(paths: list[Path], split: str | None, dataset: str) -> "SourceMaker":
    """Return what reads the files named: a manifest or a ZIP alone, or anything else together."""
    import zipfile

    from db.facts import Facts
    from db.file_sources import FilesSource, ZipSource
    from db.manifest_source import ManifestSource

    facts = Facts(source=dataset)
    alone = paths[0] if len(paths) == 1 and paths[0].is_file() else None
    if alone is not None and alone.suffix.lower() == ".csv":
        return lambda key, spare: ManifestSource(alone, key, split)
    if split is not None:
        raise typer.BadParameter("Only a manifest has splits.", param_hint="--split")
    if alone is not None and zipfile.is_zipfile(alone):
        return lambda key, spare: ZipSource(alone, spare, facts)
    return lambda key, spare: FilesSource(paths, facts)


def _watched_import(opened: "Library", make: "SourceMaker") -> "ImportReport":
    """Import with a bar on the terminal, if there is one."""
    if not sys.stderr.isatty():
        return opened.import_from(make)
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    with Bar(TextColumn("{task.description}"), BarColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task("Reading", total=None)
        return opened.import_from(make, on_progress=lambda now: _advance(bar.update, task, now))


def _advance(update: Callable[..., None], task: object, now: "Progress") -> None:
    left = int(now.seconds_left)
    update(
        task,
        total=now.total,
        completed=now.done,
        description=f"{now.done} of {now.total}, {now.rate:.0f} a second, "
        f"{left // 60} min {left % 60:02d} s left",
    )


def _tell_import(report: "ImportReport", as_json: bool) -> None:
    from db.case_documents import import_document

    lines = [
        f"{len(report.imported)} imported, {len(report.duplicates)} there already, "
        f"{len(report.skipped)} skipped, in {report.seconds:.1f} s."
    ]
    lines += [f"  looks like case {like}: {file}" for file, _, like in report.near_duplicates]
    lines += [f"  warning: {file}: {' '.join(words)}" for file, _, words in report.warned]
    lines += [f"  skipped: {skipped.file}: {skipped.reason}" for skipped in report.skipped]
    tell(import_document(report), as_json, "\n".join(lines))


def _filter(
    present: list[str] | None,
    absent: list[str] | None,
    words: str,
    view: list[str] | None,
    sex: str,
    min_age: float | None,
    max_age: float | None,
    source: list[str] | None,
    split: list[str] | None,
    tag: list[str] | None,
    collection: str,
    patient: str,
) -> "CaseFilter":
    from daug.case_query import CaseFilter

    return CaseFilter(
        present=frozenset(map(finding_named, present or ())),
        absent=frozenset(map(finding_named, absent or ())),
        views=frozenset(map(_view, view or ())),
        sex=sex.upper(),
        min_age=min_age,
        max_age=max_age,
        sources=frozenset(source or ()),
        splits=frozenset(split or ()),
        tags=frozenset(tag or ()),
        collection=collection,
        words=words,
        patient=patient,
    )


def _view(word: str) -> "View":
    from daug.radiograph import View
    from db.facts import view_from

    found = view_from(word)
    if found is View.UNKNOWN and word:
        raise LibraryError(f"{word!r} is no view. Choose PA, AP or lateral.")
    return found
