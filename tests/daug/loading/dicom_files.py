"""DICOM files to load: drawn ones with any header, and pydicom's bundled ones."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pydicom.data
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ComputedRadiographyImageStorage, ExplicitVRLittleEndian

ROWS, COLUMNS = 80, 100
BUNDLED = Path(pydicom.data.__file__).parent / "test_files"


def drawn(low: int = 0, high: int = 4095) -> NDArray[np.uint16]:
    """Every row a ramp from low to high, so that bright is on the right; the top row is low."""
    ramp = np.linspace(low, high, COLUMNS).round().astype(np.uint16)
    pixels = np.repeat(ramp[None], ROWS, axis=0)
    pixels[0] = low
    return pixels


def dataset_of(pixels: NDArray[Any], **elements: Any) -> Dataset:
    """A computed radiograph with these stored values; an element given as None is left out."""
    bits = pixels.dtype.itemsize * 8
    stated = {
        "SOPClassUID": ComputedRadiographyImageStorage,
        "SOPInstanceUID": "1.2.3.4",
        "Modality": "CR",
        "Rows": pixels.shape[-2],
        "Columns": pixels.shape[-1],
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": bits,
        "BitsStored": 12 if bits == 16 else bits,
        "HighBit": 11 if bits == 16 else bits - 1,
        "PixelRepresentation": int(pixels.dtype.kind == "i"),
        "PixelData": pixels.tobytes(),
    } | elements
    dataset = Dataset()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # odd values are the point
        for keyword, value in stated.items():
            if value is not None:
                setattr(dataset, keyword, value)
    dataset["PixelData"].VR = "OW"
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return dataset


def write_dicom(folder: Path, pixels: NDArray[Any] | None = None, **elements: Any) -> Path:
    """Write a drawn radiograph with these header elements."""
    return saved(dataset_of(drawn() if pixels is None else pixels, **elements), folder / "film.dcm")


def saved(dataset: Dataset, path: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset.save_as(path, enforce_file_format=True)
    return path


def bundled_as_radiograph(name: str, path: Path) -> Dataset:
    """Copy one of pydicom's files, said to be a computed radiograph; return what it holds."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = pydicom.dcmread(BUNDLED / name)
        dataset.Modality = "CR"
        dataset.save_as(path)
    return dataset
