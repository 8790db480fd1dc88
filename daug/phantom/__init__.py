"""Phantoms: procedural chest radiographs whose findings, organs and labels are known exactly.

    body.py           one chest and its exposure as numbers: all chance of a healthy phantom
    canvas.py         curves to soft layers on pixels
    outlines.py       lungs, heart, mediastinum, diaphragm and skin as curves
    skeleton.py       ribs, clavicles, shoulder blades, spine
    vessels.py        hila, vessels, airways
    rendering.py      a body as density, organ masks and gray levels
    landmarks.py      where a painter finds what it needs, on a phantom or a real radiograph
    nodules.py, consolidation.py, effusion.py, devices.py    findings that add density
    atelectasis.py    a collapse, and what it draws towards it
    painting.py       a finding painted onto any radiograph whose organs are known
    drawing.py        a phantom from a seed, findings and a size
    co_occurrence.py  which findings go together, and how strongly

It needs numpy and OpenCV alone. Phantoms are schematic: they serve tests, teaching and
experiments that need an exact truth, and say nothing of patients.
"""

from daug.phantom.co_occurrence import PAIRS, CoOccurrence
from daug.phantom.drawing import (
    DRAWN,
    Phantom,
    draw_phantom,
    labels_of,
    super_class_vector,
)
from daug.phantom.painting import PAINTERS, Painted, paint

__all__ = [
    "DRAWN",
    "PAINTERS",
    "PAIRS",
    "CoOccurrence",
    "Painted",
    "Phantom",
    "draw_phantom",
    "labels_of",
    "paint",
    "super_class_vector",
]
