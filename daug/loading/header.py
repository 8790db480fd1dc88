"""The only DICOM elements that are ever read, made safe to use.

An element that is not listed here is skipped in the file: names, birth dates, addresses,
comments and private elements never enter memory. What an element holds may be missing, empty,
of the wrong kind or damaged; it then counts as not stated.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, dcmread
from pydicom.datadict import tag_for_keyword
from pydicom.uid import ExplicitVRBigEndian

from daug.loading.gray_levels import LookupTable
from daug.loading.refusal import READING_FAILURES, refused_as

READ = (
    "SOPClassUID",
    "Modality",
    "ConversionType",
    "BurnedInAnnotation",
    "BodyPartExamined",
    "ViewPosition",
    "ViewCodeSequence",
    "PatientOrientation",
    "PatientAge",
    "PatientID",
    "IssuerOfPatientID",
    "StudyInstanceUID",
    "StudyDate",
    "StudyTime",
    "PixelSpacing",
    "PixelSpacingCalibrationType",
    "ImagerPixelSpacing",
    "NominalScannedPixelSpacing",
    "EstimatedRadiographicMagnificationFactor",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "PlanarConfiguration",
    "NumberOfFrames",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "PixelPaddingValue",
    "PixelPaddingRangeLimit",
    "RedPaletteColorLookupTableDescriptor",
    "GreenPaletteColorLookupTableDescriptor",
    "BluePaletteColorLookupTableDescriptor",
    "RedPaletteColorLookupTableData",
    "GreenPaletteColorLookupTableData",
    "BluePaletteColorLookupTableData",
    "ModalityLUTSequence",
    "RescaleSlope",
    "RescaleIntercept",
    "VOILUTSequence",
    "WindowCenter",
    "WindowWidth",
    "VOILUTFunction",
    "PresentationLUTShape",
    "ExtendedOffsetTable",
    "ExtendedOffsetTableLengths",
)
ITEM_READ = ("CodeValue", "LUTDescriptor", "LUTData")  # of the sequences above
PIXELS = "PixelData"

# No radiograph has larger numbers in its header; float32 arithmetic has room above them.
LARGEST_NUMBER = 1e9
SIGNED_16 = range(2**15, 2**16)  # what a negative number looks like when read without its sign

Plain = dict[str, list[Any]]


@dataclass(frozen=True, eq=False)
class Header:
    """What a DICOM file states, with empty values where it does not."""

    values: Plain
    little_endian: bool

    def text(self, keyword: str, index: int = 0) -> str:
        """Return one value in capitals without its padding."""
        values = self.values[keyword]
        return str(values[index]).strip(" \0").upper() if index < len(values) else ""

    def verbatim(self, keyword: str) -> str:
        """Return the first value as it is written, without its padding."""
        values = self.values[keyword]
        return str(values[0]).strip(" \0") if values else ""

    def numbers(self, keyword: str) -> tuple[float, ...]:
        """Return all values if every one is a number of sensible size, else none."""
        try:
            numbers = tuple(float(value) for value in self.values[keyword])
        except (TypeError, ValueError, OverflowError):
            return ()
        # written so that NaN fails too
        return numbers if all(abs(number) <= LARGEST_NUMBER for number in numbers) else ()

    def whole(self, keyword: str, default: int) -> int:
        """Return the first value as a whole number."""
        numbers = self.numbers(keyword)
        return int(numbers[0]) if numbers else default

    def states(self, keyword: str) -> bool:
        """Whether the element is there with something in it."""
        return bool(self.values[keyword])

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns, 0 where they are not stated."""
        return self.whole("Rows", 0), self.whole("Columns", 0)

    @property
    def frames(self) -> int:
        """How many images the file holds; a file that does not say holds one."""
        return max(1, self.whole("NumberOfFrames", 1))

    @property
    def view_code(self) -> str:
        """The value of the coded view, without its vocabulary."""
        items = self.values["ViewCodeSequence"]
        return "".join(map(str, items[0]["CodeValue"][:1])).strip() if items else ""

    def lookup_table(self, keyword: str) -> LookupTable | None:
        """Return the first table of a modality or VOI LUT sequence, None if there is no sound one.

        Source: PS3.3 C.11.1.1.1 and C.11.2.1.1.
        """
        for item in self.values[keyword][:1]:
            descriptor = [n for n in item["LUTDescriptor"] if isinstance(n, int)]
            if len(descriptor) != 3 or not 0 < descriptor[2] <= 16:
                return None
            count, first, bits = descriptor
            entries = self._entries(item["LUTData"], count % 2**16 or 2**16)  # 0 means 65,536
            if entries is None:
                return None
            if self.whole("PixelRepresentation", 0) == 1 and first in SIGNED_16:
                first -= 2**16
            return LookupTable(entries, first, bits)
        return None

    def _entries(self, data: list[Any], count: int) -> NDArray[np.uint16] | None:
        """Return a table's entries, which come as numbers or as bytes in the file's order."""
        if data and isinstance(data[0], bytes):
            packed = len(data[0]) < 2 * count  # two entries of 8 bits to a word
            kind = "u1" if packed else "<u2" if self.little_endian else ">u2"
            complete = len(data[0]) - len(data[0]) % np.dtype(kind).itemsize
            entries = np.frombuffer(data[0][:complete], dtype=kind)
        elif data and all(isinstance(entry, int) for entry in data):
            entries = np.array([entry % 2**16 for entry in data])
        else:
            return None
        return entries[:count].astype(np.uint16)


def read_header(path: Path) -> Header:
    """Read the listed elements of a DICOM file, but not its pixels."""
    sentence = (
        f"{path.name}: the DICOM header is damaged or incomplete. Copy the file again from its "
        "source."
    )
    with refused_as(sentence):
        return header_of(dcmread(path, stop_before_pixels=True, specific_tags=tags_of(READ)))


def header_of(dataset: Dataset) -> Header:
    """Return what a data set states in the listed elements; call inside refused_as."""
    big_endian = dataset.file_meta.get("TransferSyntaxUID") == ExplicitVRBigEndian
    return Header(_plain(dataset, READ), little_endian=not big_endian)


def read_with_pixels(path: Path) -> Dataset:
    """Read the listed elements and the pixels; call inside refused_as."""
    return dcmread(path, specific_tags=tags_of((*READ, PIXELS)))


def _plain(dataset: Dataset, keywords: tuple[str, ...]) -> Plain:
    """Return the values of each element as a list, empty if it is missing or damaged."""
    return {keyword: _element(dataset, keyword) for keyword in keywords}


def _element(dataset: Dataset, keyword: str) -> list[Any]:
    try:
        value = dataset.get(keyword)  # converted only now, so only now it may fail
        if value is None or isinstance(value, str | bytes | int | float):
            return [] if value in (None, "", b"") else [value]
        return [_plain(v, ITEM_READ) if isinstance(v, Dataset) else v for v in value]
    except READING_FAILURES:
        return []


def tags_of(keywords: tuple[str, ...]) -> list[int]:
    """Return the tags of some keywords."""
    return [tag for keyword in keywords if (tag := tag_for_keyword(keyword)) is not None]
