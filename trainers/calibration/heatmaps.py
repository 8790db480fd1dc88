"""Puts what `daug evaluate heatmaps` found into a bundle, where the screen's trust levels rest."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from daug.bundle import read_bundle, write_bundle
from daug.errors import BundleError
from daug.trust import LOCALISATION

DOCUMENT = "heatmaps.json"  # of the evaluation's folder
COMPARED = "grad_cam"  # the method that the bundle's own maps are compared with
KEPT = ("normals", "off_target", "cardiothoracic")  # told beside the rows


def keep_localisation(folder: Path, evaluation: Path) -> dict[str, Any]:
    """Write the rows of a finished evaluation into a bundle, and return them.

    Raises:
        BundleError: If the folder holds no evaluation, or one of other networks.
    """
    bundle = read_bundle(folder)
    path = evaluation / DOCUMENT
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        digest = found["bundle"]["digest"]
        rows = [row for row in found["rows"] if row["default"] or row["method"] == COMPARED]
        kept = {name: found[name] for name in KEPT if found.get(name) is not None}
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise BundleError(
            f"{path} cannot be read ({error!r}). Name the folder that `daug evaluate heatmaps` "
            "wrote."
        ) from error
    if digest != bundle.digest:
        raise BundleError(
            f"{path} scores other networks ({digest[:12]}) than {bundle.name} holds "
            f"({bundle.digest[:12]}). Run `daug evaluate heatmaps` with this bundle."
        )
    measured = {"bundle_digest": digest, "rows": rows, **kept}
    write_bundle(
        replace(bundle, measured={**bundle.measured, LOCALISATION: measured}), bundle.files
    )
    return measured
