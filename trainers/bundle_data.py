"""Which data sets taught a bundle's models, kept up to date when a model is added."""

from collections.abc import Mapping
from dataclasses import replace

from daug.bundle import DataSource
from trainers.sources import SOURCES

UNKNOWN = "not known to DAug; ask its owner"


def with_images(
    data: tuple[DataSource, ...], model: str, used: Mapping[str, int]
) -> tuple[DataSource, ...]:
    """Return a bundle's data sources after a model was added or replaced.

    Args:
        data: The sources so far.
        model: Its name in `DataSource.images`.
        used: How many radiographs of each source it learnt from.
    """
    sources = {source.name: source for source in data}
    for name in used:
        sources.setdefault(name, _described(name))
    return tuple(
        replace(source, images={**source.images, model: used.get(source.name, 0)})
        for _, source in sorted(sources.items())
    )


def _described(name: str) -> DataSource:
    known = SOURCES.get(name)
    licence = known.licence if known else UNKNOWN
    return DataSource(name, licence, known.attribution if known else UNKNOWN, {})
