"""Where the radiograph lies on the model's square; the padding around it never counts."""

from daug.radiograph import ModelInput


def area_of(seen: ModelInput) -> tuple[slice, slice]:
    """Return the rows and columns of the model's square that show the radiograph."""
    return (
        slice(seen.top, seen.top + seen.height),
        slice(seen.left, seen.left + seen.width),
    )
