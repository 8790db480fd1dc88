"""Files into radiographs: DICOM, PNG, JPEG and TIFF, told apart by content and never by name.

    files.py         the one call: opens, recognizes, hands on
    refusal.py       what a broken file makes a library raise, turned into one sentence
    gray_levels.py   stored values to shown values: rescale, tables, windows, inversion
    color.py         color pixels that are gray after all, and those that are not
    first_look.py    what is refused of a picture before its pixels are copied
    picture.py       PNG, JPEG, TIFF
    header.py        the only DICOM elements that are ever read
    codestream.py    how large and deep a compressed frame says it is, before it is decoded
    extended_jpeg.py JPEG of 12 bits a sample
    placement.py     view, side, the right way up, pixel spacing
    identity.py      keyed hashes in place of who and when
    decoding.py      DICOM pixels as numbers
    pipeline.py      what a DICOM header says about gray levels, applied
    dicom.py         DICOM
    listing.py       what a list of DICOM files needs to know of each, without its pixels

Every file that cannot become a radiograph raises RadiographError and nothing else.
"""

from daug.loading.files import load_radiograph

__all__ = ["load_radiograph"]
