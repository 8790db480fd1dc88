"""DAug: diffusion counterfactual heatmaps of chest radiographs.

The public names are imported when they are first used, so that `daug --help` stays quick.
Research and teaching only. Not for diagnostic use.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "Activation": "daug.findings",
    "Bundle": "daug.bundle",
    "DaugError": "daug.errors",
    "Direction": "daug.findings",
    "Finding": "daug.findings",
    "Heatmap": "daug.heatmap",
    "Radiograph": "daug.radiograph",
    "Recipe": "daug.heatmap",
    "Workstation": "daug.workstation",
    "load_radiograph": "daug.loading",
    "read_bundle": "daug.bundle",
}

__all__ = [
    "Activation",
    "Bundle",
    "DaugError",
    "Direction",
    "Finding",
    "Heatmap",
    "Radiograph",
    "Recipe",
    "Workstation",
    "load_radiograph",
    "read_bundle",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'daug' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
