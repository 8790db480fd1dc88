"""What the adapters of somebody's own folder have in common: its name, its terms, its files."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from daug.errors import ManifestError
from trainers.adapters.collection import Collection
from trainers.adapters.label_words import LabelWords
from trainers.adapters.record import Adapter, Reading

DATASET_NAME = re.compile(r"\w[\w .-]*")


def own_adapter(
    name: str,
    dataset: str,
    title: str,
    *,
    words: LabelWords,
    splits: str,
    layout: str,
    read: Callable[[Collection], Reading],
    licence: str = "",
    citation: str = "",
) -> Adapter:
    """Return an adapter of a collection that nobody has published.

    Args:
        name: Of the command.
        dataset: What the manifest calls it.
        title: What people call it.
        words: See `Adapter`, as `splits`, `layout` and `read`.
        splits: A sentence.
        layout: A sentence.
        read: Yields the radiographs.
        licence: Of all images whose row does not say otherwise; "unstated" if blank.
        citation: Whom to name.

    Raises:
        ManifestError: If the data set's name cannot stand in a file's name.
    """
    if not DATASET_NAME.fullmatch(dataset):
        raise ManifestError(
            f"{dataset!r} cannot be a data set's name. Use letters, digits, spaces, - and _."
        )
    return Adapter(
        name=name,
        dataset=dataset,
        title=title,
        licence=licence or "unstated",
        terms="As its owner says.",
        citation=citation,
        reference=citation,
        words=words,
        splits=splits,
        layout=layout,
        read=read,
    )


def files_below(collection: Collection) -> Iterator[str]:
    """Yield every file below the folder, in order; hidden ones and linked folders are not seen."""
    for folder, below, names in os.walk(collection.root):
        below[:] = sorted(name for name in below if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith("."):
                yield (Path(folder) / name).relative_to(collection.root).as_posix()


def plain_name(path: str) -> str:
    """Return a name without slashes that no other path has."""
    return path.replace("%", "%25").replace("/", "%2F")
