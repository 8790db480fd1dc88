"""DICOM files into radiographs.

The order is that of the standard: stored values, modality LUT or rescale, VOI LUT or window,
inversion; then the picture is brought upright. What leaves is pixels, view, side, spacing,
warnings and keyed hashes; no message repeats the value of an element that might hold a name.
"""

from pathlib import Path

from daug.errors import RadiographError
from daug.loading.decoding import check_inflated_size, decoded
from daug.loading.gray_levels import shown_from_8_bits
from daug.loading.header import Header, read_header
from daug.loading.identity import pseudonym
from daug.loading.pipeline import shown_gray
from daug.loading.placement import LATERAL_WARNING, placed, spacing_of, view_of
from daug.loading.refusal import check_pixel_count, chosen_frame
from daug.radiograph import OLDEST_AGE, Radiograph
from daug.stated_age import years
from daug.view import View

# CR and DX; DR and RG are written for film and early detectors, OT and SC for secondary
# captures of radiographs. Cameras (XC), mammography (MG), teeth and fluoroscopy are not chests
# taken upright or lying, so they are refused like slices are.
RADIOGRAPHS = {"CR", "DX", "DR", "RG", "OT", "SC", ""}
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"  # also the beginning of its multi-frame kinds
OTHER_KINDS = {
    "CT": "a CT image",
    "MR": "an MR image",
    "US": "an ultrasound image",
    "PT": "a PET image",
    "NM": "a nuclear medicine image",
    "MG": "a mammogram",
    "XA": "an angiogram",
    "RF": "a fluoroscopy image",
    "XC": "a camera photograph",
    "SEG": "a segmentation",
    "SR": "a structured report",
    "PR": "a presentation state",
    "KO": "a key object note",
    "ECG": "an electrocardiogram",
    "RTDOSE": "a radiotherapy dose",
    "RTPLAN": "a radiotherapy plan",
    "RTSTRUCT": "a radiotherapy contour set",
}
CHEST = ("CHEST", "THORA", "TORAX", "LUNG")  # THORAX, THORACIC; TORAX in Spanish
GRAYS = {"MONOCHROME1", "MONOCHROME2"}
COLORS = {"RGB", "PALETTE COLOR", "YBR_FULL", "YBR_FULL_422", "YBR_RCT", "YBR_ICT"}


def load_dicom(
    path: Path, *, identity_key: bytes | None = None, frame: int | None = None
) -> Radiograph:
    """Return the radiograph in a DICOM (Part 10) file.

    Args:
        path: The file.
        identity_key: Secret for the keyed hashes of patient and study.
        frame: Which image of a multi-frame file, from 1.
    """
    check_inflated_size(path)
    header = read_header(path)
    _check_kind(path.name, header)
    index = chosen_frame(path.name, header.frames, frame)
    stored = decoded(path, header, index)
    if header.text("PhotometricInterpretation") in GRAYS:
        shown, odd_gray = shown_gray(stored, header)
    else:
        shown, odd_gray = shown_from_8_bits(stored), ()
    spacing, odd_spacing = spacing_of(header)
    upright = placed(shown, spacing, header)
    view = view_of(header)
    return Radiograph(
        upright.shown,
        source_name=path.stem,
        view=view,
        side=upright.side,
        spacing=upright.spacing,
        pseudonym=pseudonym(
            identity_key,
            patient_id=header.verbatim("PatientID"),
            issuer=header.verbatim("IssuerOfPatientID"),
            study_uid=header.verbatim("StudyInstanceUID"),
            study_date=header.verbatim("StudyDate"),
            study_time=header.verbatim("StudyTime"),
        ),
        age=_age(header),
        warnings=(
            *_kind_warnings(header, view),
            *odd_gray,
            *upright.warnings,
            *odd_spacing,
        ),
    )


def _age(header: Header) -> float | None:
    stated = years(header.text("PatientAge"))
    return None if stated is None else min(stated, OLDEST_AGE)


def _check_kind(name: str, header: Header) -> None:
    """Refuse from the header alone what is no single-image radiograph of a sane size."""
    modality = header.text("Modality")
    if modality not in RADIOGRAPHS:
        kind = OTHER_KINDS.get(modality, "another kind of DICOM object")
        raise RadiographError(
            f"{name}: this is {kind}, but a chest radiograph (CR, DX or a secondary capture of "
            "one) is needed. Choose the radiograph of the study."
        )
    if min(header.shape) < 1:
        raise RadiographError(
            f"{name}: the DICOM file holds no image, for instance because it is a report or a "
            "directory. Choose the file of the image itself."
        )
    check_pixel_count(name, *header.shape)
    if header.text("PhotometricInterpretation") not in GRAYS | COLORS:
        raise RadiographError(
            f"{name}: the file does not say that its pixels are gray (MONOCHROME1 or MONOCHROME2),"
            " so they cannot be shown rightly. Export the original image."
        )
    bits = header.whole("BitsAllocated", 0)
    allowed = {8} if header.text("PhotometricInterpretation") in COLORS else {8, 16}
    if bits not in allowed:
        raise RadiographError(
            f"{name}: the image has {bits} bits per pixel and color, but a radiograph has 8 or 16 "
            "bits of gray. Export the original image."
        )


def _kind_warnings(header: Header, view: View) -> tuple[str, ...]:
    """Return what the reader should know about the kind of image, in words of our own."""
    warnings = []
    if not header.text("Modality"):
        warnings.append("The file does not say that it is a radiograph.")
    body_part = header.text("BodyPartExamined")
    if body_part and not any(word in body_part for word in CHEST):
        warnings.append("The file says that it shows another part of the body than the chest.")
    if view is View.LATERAL:
        warnings.append(LATERAL_WARNING)
    annotated = header.text("BurnedInAnnotation")
    captured = (
        header.states("ConversionType")
        or header.verbatim("SOPClassUID").startswith(SECONDARY_CAPTURE)
        or header.text("Modality") in {"OT", "SC"}
    )
    if annotated == "YES":
        warnings.append("The file says that text is burned into the image; it may name a person.")
    elif captured and annotated != "NO":
        warnings.append("Text may be burned into this captured image; check it for names.")
    return tuple(warnings)
