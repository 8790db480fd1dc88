"""What somebody names to import: a manifest, a ZIP, or folders and files."""

import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from daug.errors import LibraryError
from db.facts import Facts
from db.file_sources import FilesSource, ZipSource
from db.importing import Source
from db.manifest_source import ManifestSource

SourceMaker = Callable[[bytes, Path], Source]  # (identity key, folder to unpack in) -> source


def source_maker(paths: Sequence[Path], split: str | None, dataset: str) -> SourceMaker:
    """Return what reads the files named: a manifest or a ZIP alone, or anything else together.

    Args:
        paths: What is named.
        split: Of a manifest: only this one.
        dataset: Of files: what to call their source.

    Raises:
        LibraryError: If a split is asked of what has none.
    """
    facts = Facts(source=dataset)
    alone = paths[0] if len(paths) == 1 and paths[0].is_file() else None
    if alone is not None and alone.suffix.lower() == ".csv":
        return lambda key, spare: ManifestSource(alone, key, split)
    if split is not None:
        raise LibraryError("Only a manifest has splits. Name one alone, or leave the split out.")
    if alone is not None and zipfile.is_zipfile(alone):
        return lambda key, spare: ZipSource(alone, spare, facts)
    return lambda key, spare: FilesSource(paths, facts)
