"""Is a bundle in order: described, whole, and do its networks answer?"""

from functools import partial
from pathlib import Path
from time import perf_counter

from daug.bundle_source import open_bundle
from daug.checkup import Look
from daug.errors import BundleError


def bundle_checks(source: Path) -> list[tuple[str, Look]]:
    """Return the checks of a bundle; see `daug.bundle_source.bundle_folder` for the source."""
    return [("bundle files", partial(files, source)), ("bundle models", partial(models, source))]


def files(source: Path) -> str:
    """Hold every file of a bundle against its digest."""
    started = perf_counter()
    bundle = open_bundle(source)
    if not bundle.files:
        raise BundleError(f"{source} lists no files. Build it with `daug bundle build`.")
    bundle.verify_files()
    return (
        f"{bundle.name} {bundle.version} ({bundle.digest[:12]}) is whole: {len(bundle.files)} "
        f"files verified in {perf_counter() - started:.1f} s"
    )


def models(source: Path) -> str:
    """Load a bundle's networks and ask each of them once."""
    started = perf_counter()
    from daug.bundled_models import load_models

    bundle = open_bundle(source)
    load_models(bundle)
    return (
        f"{bundle.name} {bundle.version} was loaded and tried in {perf_counter() - started:.1f} s; "
        f"{len(bundle.offered)} of {len(bundle.classes)} super-classes are offered"
    )
