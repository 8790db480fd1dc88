from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from daug.loading import load_radiograph
from daug.loading.synthetic import SAYS_SYNTHETIC

PIXELS = np.repeat(np.linspace(0, 255, 100)[None], 80, axis=0).astype(np.uint8)
SOURCES = "http://cv.iptc.org/newscodes/digitalsourcetype/"


def xmp(source_type: str) -> bytes:
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
        'xmlns:e="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
        f'e:DigitalSourceType="{SOURCES}{source_type}"/></rdf:RDF></x:xmpmeta>'
    ).encode()


def warnings(path: Path, **options: object) -> tuple[str, ...]:
    Image.fromarray(PIXELS).save(path, **options)  # type: ignore[arg-type]
    return load_radiograph(path).warnings


def texts(key: str, value: str) -> PngInfo:
    info = PngInfo()
    info.add_text(key, value)
    return info


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif"])
def test_what_the_press_calls_made_by_a_model_is_warned_about(tmp_path: Path, suffix: str) -> None:
    said = xmp("trainedAlgorithmicMedia")
    options: dict[str, object] = {"tiffinfo": {700: said}} if suffix == "tif" else {"xmp": said}
    if suffix == "png":
        info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", said.decode())
        options = {"pnginfo": info}
    assert warnings(tmp_path / f"a.{suffix}", **options) == (SAYS_SYNTHETIC,)


@pytest.mark.parametrize("kind", ["digitalCapture", "compositeWithTrainedAlgorithmicMedia"])
def test_a_real_or_a_mixed_picture_is_not_called_synthetic(tmp_path: Path, kind: str) -> None:
    assert warnings(tmp_path / "a.jpg", xmp=xmp(kind)) == ()


def test_our_own_key_is_enough_and_nothing_else_is(tmp_path: Path) -> None:
    yes = texts("Synthetic", "yes")
    assert warnings(tmp_path / "a.png", pnginfo=yes) == (SAYS_SYNTHETIC,)
    for key, value in (("Synthetic", "no"), ("Comment", "Synthetic"), ("Title", "yes")):
        assert warnings(tmp_path / "b.png", pnginfo=texts(key, value)) == ()
