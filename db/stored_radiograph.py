"""A case's radiograph, read back from the library's own file."""

from dataclasses import replace

from daug.case import Case
from daug.loading import load_radiograph
from daug.radiograph import Pseudonym, Radiograph
from daug.view import View
from db.library import Library


def stored_radiograph(library: Library, case: Case) -> Radiograph:
    """Return a case's radiograph at full resolution, under its alias, as its patient's.

    Raises:
        LibraryError: If the case is gone.
        RadiographError: If its file is gone or damaged; `daug library verify` tells of those.
    """
    radiograph = load_radiograph(library.original(case.case_id))
    return replace(
        radiograph,
        source_name=case.alias,
        view=radiograph.view if case.view is View.UNKNOWN else case.view,
        pseudonym=Pseudonym(case.patient, case.study, case.study_order),
    )
