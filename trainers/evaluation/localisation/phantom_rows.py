"""The phantoms' off-target rows, measured once for each set of bundles."""

import hashlib
import json
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from trainers.evaluation.bootstrap import DRAWS
from trainers.evaluation.localisation.kept import kept
from trainers.evaluation.localisation.off_target import PHANTOMS, off_target, phantom_bundles


def phantom_rows(folder: Path | None, store: Path, draws: int = DRAWS) -> list[dict[str, Any]]:
    """Return `off_target` of the JSON document, one row for each rho; none without a folder.

    Args:
        folder: Bundles that learnt from phantoms.
        store: Where what was measured is kept.
        draws: Of the bootstrap.

    Raises:
        BundleError: If the folder holds no such bundle, or one is broken.
    """
    if folder is None:
        return []
    bundles = [[bundle.digest, asdict(bundle.recipe)] for bundle in phantom_bundles(folder)]
    key = hashlib.sha256(json.dumps([bundles, PHANTOMS, draws]).encode()).hexdigest()[:16]
    rows: list[dict[str, Any]] = kept(
        store / f"phantoms-{key}.json", partial(off_target, folder, PHANTOMS, draws)
    )
    return rows
