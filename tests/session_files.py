"""Files as they come in over a long day, from a seed: sound, odd, damaged, and no image at all.

Made from real radiographs where there are any, and from drawn ones else. Each DICOM file names a
patient who must never be heard of again.
"""

import io
import struct
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pydicom
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
)

from tests.daug.loading.dicom_files import BUNDLED, dataset_of

PATIENT = {  # every part of it is looked for in what DAug says
    "PatientName": "Zwiebelfisch^Xaver",
    "PatientID": "ZWIEBELFISCH-47110815",
    "InstitutionName": "Haus Zwiebelfisch",
    "StudyDescription": "Thorax Zwiebelfisch",
    "ReferringPhysicianName": "Zwiebelfisch^Ute",
    "StudyInstanceUID": "1.2.47110815",
    "StudyDate": "19470815",
    "StudyTime": "081547",
}
SECRETS = ("zwiebelfisch", "xaver", "47110815", "19470815")
NONSENSE: dict[str, tuple[Any, ...]] = {  # what a header may say; None leaves the element out
    "Rows": (0, 1, 63, 100, 65535, None),
    "Columns": (0, 1, 63, 100, 65535, None),
    "BitsAllocated": (0, 1, 8, 12, 32, 64, None),
    "BitsStored": (0, 1, 7, 8, 17, 255, None),
    "HighBit": (0, 7, 15, 255, None),
    "PixelRepresentation": (0, 1, 2, 65535, None),
    "SamplesPerPixel": (0, 2, 3, 4, 65535, None),
    "PlanarConfiguration": (0, 1, 7),
    "NumberOfFrames": (0, 2, 9999, -1, 2**31 - 1),
    "PhotometricInterpretation": ("MONOCHROME1", "RGB", "YBR_FULL_422", "PALETTE COLOR", "HSV", ""),
    "Modality": ("CR", "DX", "CT", "MR", "US", "ZWIEBELFISCH", None),
    "BodyPartExamined": ("CHEST", "FOOT", "ZWIEBELFISCH"),
    "ViewPosition": ("PA", "AP", "LL", "ZWIEBELFISCH"),
    "PatientOrientation": (["L", "F"], ["R", "H"], ["F", "L"], ["ZWIEBEL"], "A"),
    "BurnedInAnnotation": ("YES", "NO", "47110815"),
    "WindowCenter": (0, -500, 2048, [100, 2000], "1e300", "-0"),
    "WindowWidth": (0, -1, 1, 4096, [1, 4000], "1e300"),
    "VOILUTFunction": ("LINEAR", "LINEAR_EXACT", "SIGMOID", "ZWIEBELFISCH"),
    "RescaleSlope": (0, 1, -1, 1e-9, "1e300"),
    "RescaleIntercept": (0, -1024, "1e300"),
    "PresentationLUTShape": ("IDENTITY", "INVERSE", "ZWIEBELFISCH"),
    "PixelSpacing": ([0, 0], [0.2, 0.2], [-1, 3], ["1e300", "0"], [5]),
    "ImagerPixelSpacing": ([0.14, 0.14], [0.1, 0.3], [1e-9, 1e-9]),
    "PixelPaddingValue": (0, 4095, 65535),
    "PixelPaddingRangeLimit": (0, 100, 65535),
    "PatientID": ("", "ANONYMOUS", "0", "47110815"),
    "StudyDate": ("", "00000000", "20200229", "47110815"),
    "SpecificCharacterSet": ("ISO_IR 192", "ISO 2022 IR 87", "ZWIEBELFISCH"),
}
SYNTAXES = (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
    RLELossless,
    JPEG2000Lossless,
)
SUFFIXES = (".dcm", ".png", ".jpg", ".tif", ".txt", "", ".DCM", ".zip")


class Incoming(NamedTuple):
    """One file: what was done to it, how it is called, what is in it."""

    kind: str
    name: str
    data: bytes


class SessionFiles:
    """An endless supply of files, the same ones for the same seed and material."""

    def __init__(self, seed: int, shared: Path | None) -> None:
        self.random = np.random.default_rng(seed)
        self.grays = _grays(self.random, shared)
        self.dicoms = _dicoms(self.grays, shared)
        self.makers: tuple[Callable[[], Incoming], ...] = (
            self._sound_dicom,
            self._odd_header,
            self._odd_header,
            self._damaged_dicom,
            self._damaged_dicom,
            self._picture,
            self._picture,
            self._damaged_picture,
            self._no_image,
            self._boundless,
        )

    def __iter__(self) -> Iterator[Incoming]:
        while True:
            made = self.makers[self.random.integers(len(self.makers))]()
            if self.random.random() < 0.2:  # a name that lies
                made = made._replace(name=f"film{self._one(SUFFIXES)}")
            yield made

    def _one(self, choices: Any) -> Any:
        return choices[self.random.integers(len(choices))]

    def _sound_dicom(self) -> Incoming:
        return Incoming("sound DICOM", "film.dcm", self._one(self.dicoms))

    def _odd_header(self) -> Incoming:
        dataset = dataset_of(self._one(self.grays), BitsStored=16, HighBit=15, **PATIENT)
        syntax = self._one(SYNTAXES)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if syntax in (RLELossless, JPEG2000Lossless):
                dataset.compress(syntax)
            for keyword in self.random.choice([*NONSENSE], self.random.integers(1, 5)):
                value = self._one(NONSENSE[keyword])
                if value is None:
                    dataset.pop(keyword, None)
                else:
                    setattr(dataset, keyword, value)
            dataset.file_meta.TransferSyntaxUID = self._one((syntax, syntax, self._one(SYNTAXES)))
            try:
                return Incoming("odd header", "film.dcm", _bytes(dataset))
            except (ValueError, OSError, AttributeError, struct.error, KeyError):
                return self._odd_header()  # more than the writer can express

    def _damaged_dicom(self) -> Incoming:
        return Incoming("damaged DICOM", "film.dcm", self._damaged(self._one(self.dicoms)))

    def _picture(self) -> Incoming:
        name, data = _encoded(self._one(self.grays), self.random)
        return Incoming("picture", name, data)

    def _damaged_picture(self) -> Incoming:
        name, data = _encoded(self._one(self.grays), self.random)
        return Incoming("damaged picture", name, self._damaged(data))

    def _damaged(self, data: bytes) -> bytes:
        """Cut, or change a few bytes, mostly near the beginning where the header is."""
        if self.random.random() < 0.3:
            return data[: self.random.integers(1, len(data))]
        broken = bytearray(data)
        reach = len(data) if self.random.random() < 0.4 else min(len(data), 3000)
        for at in self.random.integers(0, reach, self.random.integers(1, 9)):
            broken[at] = self.random.integers(256)
        return bytes(broken)

    def _no_image(self) -> Incoming:
        zipped = io.BytesIO()
        with zipfile.ZipFile(zipped, "w") as archive:
            archive.writestr("film.dcm", self._one(self.dicoms)[:1000])
        noise = self.random.bytes(int(self.random.integers(1, 5000)))
        choices = (
            b"",
            b"\0" * 4096,
            b"<html><script>alert('4711')</script></html>",
            "Röntgen: ohne Befund\n".encode() * 50,
            zipped.getvalue(),
            b"%PDF-1.7\n" + noise,
            noise,
            bytes(128) + b"DICM" + noise,
            b"\x89PNG\r\n\x1a\n" + noise,
            b"\xff\xd8\xff\xe0" + noise,
            b"II*\0" + noise,
        )
        return Incoming("no image", "film.dcm", self._one(choices))

    def _boundless(self) -> Incoming:
        """A small file that states a size of up to four thousand million pixels."""
        side = int(self._one((9_000, 20_000, 65_535)))
        kind = self._one(("dcm", "png", "jpg"))
        gray = self._one(self.grays)
        if kind == "dcm":
            dataset = dataset_of(gray, **PATIENT)
            dataset.Rows, dataset.Columns = side, side
            return Incoming("boundless", "film.dcm", _bytes(dataset))
        data = bytearray(_saved(Image.fromarray((gray >> 8).astype(np.uint8)), kind))
        at = 16 if kind == "png" else data.index(b"\xff\xc0") + 5
        size = struct.pack(">II" if kind == "png" else ">HH", side, side)
        data[at : at + len(size)] = size
        return Incoming("boundless", f"film.{kind}", bytes(data))


def _grays(random: np.random.Generator, shared: Path | None) -> list[NDArray[np.uint16]]:
    """Radiographs of 16 bits, sides up to 400 pixels."""
    if shared is None:
        return [_drawn(random) for _ in range(12)]
    paths = sorted((shared / "cxr/images").rglob("*.jpg"))
    chosen = random.choice(len(paths), 40, replace=False)
    return [_gray_of(paths[at]) for at in chosen]


def _gray_of(path: Path) -> NDArray[np.uint16]:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("L"), dtype=np.uint16) * np.uint16(257)


def _drawn(random: np.random.Generator) -> NDArray[np.uint16]:
    """Two dark lungs in a brighter body, with noise."""
    height, width = random.integers(80, 400, 2)
    rows, columns = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    levels = np.full((height, width), 45_000.0)
    for centre in (-0.4, 0.4):
        levels[(rows / 0.7) ** 2 + ((columns - centre) / 0.3) ** 2 < 1] = 15_000
    return (levels + random.normal(0, 900, levels.shape)).clip(0, 65535).astype(np.uint16)


def _dicoms(grays: list[NDArray[np.uint16]], shared: Path | None) -> list[bytes]:
    """Sound files in every transfer syntax at hand, some of them from real machines."""
    files = []
    for gray, syntax in zip(grays, SYNTAXES * 7, strict=False):
        dataset = dataset_of(gray, BitsStored=16, HighBit=15, **PATIENT)
        if syntax in (RLELossless, JPEG2000Lossless):
            dataset.compress(syntax)
        elif syntax == ExplicitVRBigEndian:
            dataset.PixelData = gray.astype(">u2").tobytes()
        dataset.file_meta.TransferSyntaxUID = syntax
        files.append(_bytes(dataset))
    names = ("MR_small_RLE", "MR_small_jpeg_ls_lossless", "693_J2KI", "JPGExtended", "image_dfl")
    real = [BUNDLED / f"{name}.dcm" for name in (*names, "SC_rgb_jpeg_dcmd", "JPEG-lossy")]
    if shared is not None:
        real += sorted((shared / "dicom").glob("*.dcm"))
    for path in real:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = pydicom.dcmread(path)
            for keyword, value in ({"Modality": "CR"} | PATIENT).items():
                setattr(dataset, keyword, value)
            files.append(_bytes(dataset))
    return files


def _encoded(gray: NDArray[np.uint16], random: np.random.Generator) -> tuple[str, bytes]:
    """One of the ways in which a picture may be stored."""
    plain = Image.fromarray((gray >> 8).astype(np.uint8))
    exif = Image.Exif()
    exif[0x0112] = int(random.integers(0, 10))  # 1 to 8 have a meaning
    color = Image.fromarray(random.integers(0, 256, (90, 90, 3), dtype=np.uint8))
    ways: tuple[tuple[str, Image.Image, dict[str, Any]], ...] = (
        ("png", plain, {}),
        ("png", Image.fromarray(gray), {}),
        ("png", plain.convert("P"), {}),
        ("png", plain.convert("RGBA"), {}),
        ("png", plain.convert("LA"), {}),
        ("png", plain, {"exif": exif}),
        ("png", plain, {"save_all": True, "append_images": [plain, plain]}),
        ("png", plain.convert("1"), {}),
        ("png", plain.resize((40, 40)), {}),
        ("png", Image.new("L", (90, 90), int(random.integers(256))), {}),
        ("jpg", plain, {"quality": int(random.integers(5, 100))}),
        ("jpg", plain, {"progressive": True}),
        ("jpg", plain.convert("RGB").convert("CMYK"), {}),
        ("jpg", plain.convert("RGB"), {"exif": exif}),
        ("jpg", color, {}),
        ("tif", plain, {"compression": "tiff_lzw"}),
        ("tif", Image.fromarray(gray), {"compression": "tiff_adobe_deflate"}),
        ("tif", Image.fromarray(gray.astype(np.float32)), {}),
        ("tif", Image.frombytes("I;16B", plain.size, gray.astype(">u2").tobytes()), {}),
        ("tif", plain, {"save_all": True, "append_images": [plain]}),
        ("tif", color, {}),
        ("gif", plain, {}),
        ("bmp", plain, {}),
        ("webp", plain, {}),
    )
    suffix, image, options = ways[random.integers(len(ways))]
    return f"film.{suffix}", _saved(image, suffix, **options)


def _saved(image: Image.Image, suffix: str, **options: Any) -> bytes:
    kind = {"jpg": "JPEG", "tif": "TIFF"}.get(suffix, suffix.upper())
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def _bytes(dataset: Dataset) -> bytes:
    file = io.BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()
