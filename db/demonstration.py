"""Fill a new library with the demonstration's synthetic cases, once and for all.

A library that ever held a case of its own, or from which somebody removed demonstration cases, is
left as it is. A filling that was interrupted goes on at the next start: until it is finished, a
small file in the library's folder says that it was begun, and with which cases.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import func, select

from daug.errors import EmbeddingError, LibraryError
from daug.import_report import Progress
from daug.shipped import read_verified, unpack_embeddings
from db.database import reading
from db.library import Library
from db.manifest_source import ManifestSource
from db.schema import RadiographRow
from db.stored_files import Incoming, put_in_place, sharing

INDEX_FILE = "demo.json"
MARK_FILE = "demonstration.json"  # in the library's folder; says how far the filling came
BEGUN, DONE = "begun", "done"


@dataclass(frozen=True)
class Filled:
    """What became of an attempt to fill a library."""

    filled: bool  # whether the library now holds the demonstration because of this call
    left_alone: str = ""  # why it was not filled, in one sentence; empty if it was
    imported: int = 0  # cases that were not there before
    embedded: Mapping[str, int] = field(default_factory=dict)  # shipped vectors, by model digest
    to_embed: Mapping[str, tuple[int, ...]] = field(default_factory=dict)  # cases without one
    warnings: tuple[str, ...] = ()  # what is shipped, but could not be used


def fill_demonstration(
    library: Library,
    folder: Path,
    model_digests: Sequence[str] = (),
    on_progress: Callable[[Progress], None] | None = None,
) -> Filled:
    """Import the demonstration into a library that never held a case; add shipped embeddings.

    Args:
        library: Open.
        folder: What `daug bundle demo` wrote, with or without embeddings beside it.
        model_digests: Of the models that will search; vectors of others are not stored.
        on_progress: Told how far the import is.

    Returns:
        What was done, and which cases each model still has to embed.

    Raises:
        LibraryError: If the folder is not whole, or the library cannot be written; what was
            imported by then stays, and the next call goes on.
    """
    index = _read_index(folder)
    digest = index["manifest"]["sha256"]
    if reason := _why_not(library, index, digest):
        return Filled(filled=False, left_alone=reason)
    _check_files(folder, index)
    _mark(library, BEGUN, digest)
    report = library.import_from(
        lambda key, _: ManifestSource(folder / index["manifest"]["file"], key),
        on_progress=on_progress,
    )
    if report.skipped:
        first = report.skipped[0]
        raise LibraryError(
            f"{len(report.skipped)} demonstration cases were not taken, the first for this reason: "
            f"{first.reason} ({first.file})"
        )
    embedded, warnings = _store_shipped(library, folder, index, model_digests)
    _mark(library, DONE, digest)
    to_embed = {
        model: tuple(library.cases_without_embedding(model))
        for model in dict.fromkeys(model_digests)
    }
    return Filled(
        filled=True,
        imported=len(report.imported),
        embedded=embedded,
        to_embed=to_embed,
        warnings=warnings,
    )


def _why_not(library: Library, index: Mapping[str, Any], digest: str) -> str:
    """Return why a library is left alone; nothing if it may be filled."""
    mark = _read_mark(library)
    if mark.get("state") == DONE:
        return "The demonstration was put into this library before."
    if mark.get("state") != BEGUN:
        if library.count() or library.generation:
            return "The library holds, or held, cases of its own."
        return ""
    if mark.get("manifest") != digest:
        return "A filling with other demonstration cases was begun and not finished."
    if not _only_begun(library, index):
        return "Since the filling was begun, cases were added or removed."
    return ""


def _only_begun(library: Library, index: Mapping[str, Any]) -> bool:
    """Return whether the cases are the first of the demonstration, and nothing else ever was."""
    ours = {case["sha256"] for case in index["cases"]}
    with reading(library.engine) as connection:
        there = set(connection.scalars(select(RadiographRow.incoming_digest)))
        last = connection.scalar(select(func.max(RadiographRow.id)))
    return there <= ours and (last or 0) == len(there)  # numbers of removed cases are not reused


def _store_shipped(
    library: Library, folder: Path, index: Mapping[str, Any], model_digests: Sequence[str]
) -> tuple[dict[str, int], tuple[str, ...]]:
    """Store the vectors of the models asked for; say what could not be used, since it can wait."""
    numbers = _numbers(library, index)
    stored: dict[str, int] = {}
    warnings = []
    for listed in index["shipped"]:
        if not set(listed.get("models", ())) & set(model_digests):
            continue
        try:
            vectors = unpack_embeddings(read_verified(folder, listed))
        except EmbeddingError as error:
            warnings.append(f"{error} The cases are embedded anew.")
            continue
        for model in sorted(set(vectors) & set(model_digests)):
            missing = set(library.cases_without_embedding(model))
            rows = {
                numbers[name]: np.asarray(vector)
                for name, vector in vectors[model].items()
                if numbers.get(name) in missing
            }
            library.store_embeddings(model, rows)
            stored[model] = len(rows)
    return stored, tuple(warnings)


def _numbers(library: Library, index: Mapping[str, Any]) -> dict[str, int]:
    """Return the library's number of each demonstration case by its id."""
    with reading(library.engine) as connection:
        rows = connection.execute(select(RadiographRow.incoming_digest, RadiographRow.id))
        known = dict(rows.all())
    return {case["id"]: known[case["sha256"]] for case in index["cases"] if case["sha256"] in known}


def _read_index(folder: Path) -> dict[str, Any]:
    """Return what a demonstration's folder says of itself.

    Raises:
        LibraryError: If it is no such folder.
    """
    try:
        index = json.loads((folder / INDEX_FILE).read_text(encoding="utf-8"))
        whole = {"cases", "manifest", "shipped"} <= set(index)
    except (OSError, ValueError, TypeError) as error:
        raise LibraryError(
            f"{folder} holds no demonstration cases ({error}). Get them again from the repository."
        ) from error
    if not whole:
        raise LibraryError(f"{folder / INDEX_FILE} is not whole. Get it again from the repository.")
    return dict(index)


def _check_files(folder: Path, index: Mapping[str, Any]) -> None:
    """Make sure of every file that is imported, before anything is.

    Raises:
        LibraryError: If one is missing or another.
    """
    try:
        for listed in (index["manifest"], *index["cases"]):
            read_verified(folder, listed)
    except EmbeddingError as error:
        raise LibraryError(f"{error} Get the demonstration again from the repository.") from error


def _read_mark(library: Library) -> dict[str, Any]:
    try:
        mark = json.loads((library.folder.path / MARK_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        return {"state": DONE}  # somebody's; when in doubt the library stays as it is
    return mark if isinstance(mark, dict) else {"state": DONE}


def _mark(library: Library, state: str, digest: str) -> None:
    """Write down how far the filling is, safe from a crash before anything rests on it."""
    content = json.dumps({"state": state, "manifest": digest}).encode()
    folder = library.folder.path
    with sharing(folder), Incoming(folder) as incoming:
        put_in_place([incoming.write(content, folder / MARK_FILE)])
