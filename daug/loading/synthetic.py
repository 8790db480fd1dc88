"""Pictures that say in their metadata that no patient was in front of the detector.

Either by DAug's own key, or by IPTC's digital source type "trainedAlgorithmicMedia", which programs
that make pictures write into XMP. (A composite of real and made parts has another, and may show a
patient.)

IPTC NewsCodes, Digital Source Type, cv.iptc.org/newscodes/digitalsourcetype.
"""

from collections.abc import Mapping
from typing import Any

SYNTHETIC_KEY = "Synthetic"  # of a text chunk in a PNG; its value is "yes"
TRAINED_MEDIA = "digitalsourcetype/trainedAlgorithmicMedia"  # the end of its address
SAYS_SYNTHETIC = "This picture is synthetic: drawn by a model, it shows no patient."


def warnings_of(info: Mapping[Any, Any]) -> tuple[str, ...]:
    """Return the warning for a picture that says it is synthetic, else none.

    Args:
        info: What Pillow read beside the pixels; nothing else in it is looked at.
    """
    xmp = info.get("xmp", b"")
    words = xmp if isinstance(xmp, bytes) else str(xmp).encode()
    by_press = TRAINED_MEDIA.lower().encode() in words.lower()
    ours = str(info.get(SYNTHETIC_KEY, "")).casefold() == "yes"
    return (SAYS_SYNTHETIC,) if ours or by_press else ()
