"""What may become of weights that the sources of a manifest train."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from daug.errors import ManifestError
from trainers.sources import SOURCES, MayTrain


@dataclass(frozen=True)
class Licences:
    """The sources that are trained on, and what is to be known of them."""

    sources: tuple[str, ...]
    warnings: tuple[str, ...] = ()


def check_licences(present: Iterable[str], named: Sequence[str]) -> Licences:
    """Return the sources to train on, with warnings.

    Without names, every source of the manifest must let weights be passed on that can draw.

    Args:
        present: Sources of the manifest.
        named: Those that somebody names outright.

    Raises:
        ManifestError: If a name is not in the manifest, or nobody named a source whose licence
            does not let weights be passed on.
    """
    there = sorted(set(present))
    lost = sorted(set(named) - set(there))
    if lost:
        raise ManifestError(
            f"{', '.join(lost)} is no source of the manifest; it has {', '.join(there)}."
        )
    chosen = sorted(set(named)) or there
    closed = [n for n in chosen if n in SOURCES and SOURCES[n].may_train < MayTrain.DRAW]
    if closed and not named:
        raise ManifestError(
            f"The licence of {', '.join(closed)} does not let weights be passed on that were "
            "trained on it. If you may use it yourself, name every source that you train on, for "
            f"instance --sources {','.join(there)}, and keep the weights to yourself."
        )
    warnings = [
        f"{name}: {SOURCES[name].licence}. Keep everything that is trained on it to yourself."
        for name in closed
    ]
    warnings += [
        f"{name}: its licence is not known here. Ask its owner whether weights that were trained "
        "on it may be passed on."
        for name in chosen
        if name not in SOURCES
    ]
    return Licences(tuple(chosen), tuple(warnings))
