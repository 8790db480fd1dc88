"""`daug library search` and what belongs to it: reindex, saved searches, the log."""

from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from daug.errors import LibraryError
from db.cli_embedding import (
    BundleOption,
    Tools,
    embed_and_measure,
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
    Sex,
    Sources,
    Splits,
    Tags,
    Views,
    Words,
    case_filter,
    findings_named,
)
from db.cli_options import HERE, JsonOption, LibraryOption, tell

if TYPE_CHECKING:
    from daug.bundle import Bundle
    from daug.case_desk import CaseQuestion
    from daug.heatmap import Recipe
    from daug.radiograph import Radiograph
    from db.library import Library

KINDS = {"similar": "similar", "look-alikes": "look-alikes", "nearest-normal": "nearest normal"}
ImageOption = Annotated[
    Path | None,
    typer.Option("--image", help="Like this radiograph.", exists=True, dir_okay=False),
]
CaseOption = Annotated[int | None, typer.Option("--case", help="Like this case of the library.")]


def search(
    ctx: typer.Context,
    library: LibraryOption = HERE,
    image: ImageOption = None,
    case: CaseOption = None,
    text: Annotated[str | None, typer.Option(help="Like this description.")] = None,
    image_weight: Annotated[
        float, typer.Option(min=0, max=1, help="Of radiograph and text, what the former counts.")
    ] = 0.5,
    more: Annotated[str | None, typer.Option(help="As if there were more of this finding.")] = None,
    less: Annotated[str | None, typer.Option(help="As if there were less of this finding.")] = None,
    kind: Annotated[
        str, typer.Option(help="similar, look-alikes (with other findings) or nearest-normal.")
    ] = "similar",
    shows: Annotated[
        list[str] | None, typer.Option(help="A finding that is known of the radiograph.")
    ] = None,
    k: Annotated[int, typer.Option("--k", min=1, max=1000, help="How many cases.")] = 10,
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
    same_patient: Annotated[
        bool, typer.Option("--same-patient", help="The patient's own radiographs too.")
    ] = False,
    without_heat: Annotated[
        bool, typer.Option("--without-heat", help="Rank as if no heatmap had been drawn.")
    ] = False,
    save: Annotated[str | None, typer.Option(help="Keep this search under a name.")] = None,
    saved: Annotated[
        str | None, typer.Option(help="Make a kept search; only what it starts from can be new.")
    ] = None,
    frame: Annotated[int | None, typer.Option(min=1, help="Which image of a file.")] = None,
    bundle: BundleOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find similar cases: by a radiograph, a text, both, or a change of it."""
    started = perf_counter()
    if kind not in KINDS:
        raise typer.BadParameter(f"Choose {', '.join(KINDS)}.", param_hint="--kind")
    if image is not None and case is not None:
        raise typer.BadParameter("Give a file or a case, not both.", param_hint="--image")
    if more is not None and less is not None:
        raise typer.BadParameter("Give one change, not two.", param_hint="--more")
    from daug.case_desk import CaseQuestion
    from daug.question_document import question_document, question_from
    from daug.similar_cases import SearchKind
    from db.desk import open_desk
    from db.library import open_library
    from db.search_documents import answer_document, answer_lines

    tools: Tools = ctx.obj
    with open_library(library) as opened:
        radiograph = None if image is None else _radiograph(opened, image, frame)
        models = tools.open_bundle(bundle)
        if saved is not None:
            question = question_from(
                _saved(opened, saved), radiograph=radiograph, case_id=case, text=text
            )
        else:
            wanted = case_filter(
                *(present, absent, words, view, sex, min_age, max_age, source, split, tag),
                *(collection, "", added_from, added_to),
            )
            question = CaseQuestion(
                radiograph=radiograph,
                case_id=case,
                text=text or "",
                image_weight=image_weight,
                change=_change(models, more, less),
                kind=SearchKind(KINDS[kind]),
                wanted=wanted,
                k=k,
                present=findings_named(shows),
                same_patient_too=same_patient,
                without_heat=without_heat,
            )
        with open_desk(opened, tools.open_embedder(models)) as desk:
            answer = desk.ask(question)
            state = desk.embedding_state()
        if save is not None:
            opened.save_search(save, question_document(question), _start(opened, question))
    document = answer_document(question, answer, state)
    document["seconds"] = perf_counter() - started
    tell(document, as_json, "\n".join(answer_lines(question, answer, state)))


def reindex(
    ctx: typer.Context,
    library: LibraryOption = HERE,
    again: Annotated[
        bool, typer.Option("--again", help="Embed every case anew, even if it is embedded.")
    ] = False,
    bundle: BundleOption = None,
    as_json: JsonOption = False,
) -> None:
    """Embed what is not embedded yet, and make the index of searches anew. Safe to interrupt."""
    from db.desk import open_desk
    from db.library import open_library

    tools: Tools = ctx.obj
    with open_library(library) as opened:
        embedder = tools.open_embedder(tools.open_bundle(bundle))
        with open_desk(opened, embedder) as desk:
            document = embed_and_measure(opened, embedder, desk, again=again)
            desk.rebuild_indexes()
            floors = desk.measure_floors(again=True)
    floor = floors[embedder.model_digest]
    document["floor"] = None if floor is None else floor.similarity
    lines = embedding_lines(document)
    if floor is not None:
        lines.append(f"Below a similarity of {floor.similarity:.3f} nothing is alike.")
    tell(document, as_json, "\n".join(lines))
    end_by(document, bundle)


def searches(
    library: LibraryOption = HERE,
    delete: Annotated[str | None, typer.Option(help="Delete the one of this name.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List the searches that were kept, or delete one."""
    from db.library import open_library
    from db.search_documents import asked

    with open_library(library) as opened:
        if delete is not None:
            opened.delete_search(delete)
        kept = opened.saved_searches()
    lines = [f"{name}: {asked(query)}" for name, query in kept.items()]
    tell({"searches": kept}, as_json, "\n".join(lines) or "No search is kept.")


def log(
    library: LibraryOption = HERE,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """List the searches that were made, the latest first."""
    from db.library import open_library
    from db.search_documents import asked

    with open_library(library) as opened:
        entries = opened.logged_queries(limit)
    queries = [
        {
            "query_id": entry.query_id,
            "asked_at": f"{entry.asked_at.isoformat()}Z",
            "query": entry.query,
            "case_id": entry.case_id,
            "generation": entry.generation,
            "seconds": entry.seconds,
            "hits": [{"case_id": i, "similarity": similarity} for i, similarity in entry.hits],
        }
        for entry in entries
    ]
    lines = [
        f"{entry.asked_at:%Y-%m-%d %H:%M}  {len(entry.hits):3d} hits  {asked(entry.query)}"
        for entry in entries
    ]
    tell({"queries": queries}, as_json, "\n".join(lines) or "Nothing was asked yet.")


def _radiograph(library: "Library", file: Path, frame: int | None) -> "Radiograph":
    from daug.loading import load_radiograph

    return load_radiograph(file, identity_key=library.folder.identity_key, frame=frame)


def _change(bundle: "Bundle", more: str | None, less: str | None) -> "Recipe | None":
    from daug.findings import Direction

    if more is not None:
        return bundle.recipe_for(more, Direction.MORE)
    return None if less is None else bundle.recipe_for(less, Direction.LESS)


def _saved(library: "Library", name: str) -> dict[str, Any]:
    kept = library.saved_searches()
    if name not in kept:
        raise LibraryError(
            f"There is no saved search {name[:200]!r}. `daug library searches` lists them."
        )
    return kept[name]


def _start(library: "Library", question: "CaseQuestion") -> int | None:
    """Return the case that a question starts from, so that its removal takes the search along."""
    if question.case_id is not None or question.radiograph is None:
        return question.case_id
    return library.find(question.radiograph.digest)
