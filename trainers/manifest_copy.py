"""A copy of a manifest in another folder, with changed or further lines.

Paths in a manifest are relative to its folder, so the copy's folder gets links to the images.
"""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from daug.errors import ManifestError

Line = Mapping[str, str]


def write_copy(
    manifest: Path,
    output: Path,
    more_columns: Sequence[str],
    changed: Callable[[Iterator[Line]], Iterable[Line]],
) -> None:
    """Write a copy, which is there whole or not at all.

    Args:
        manifest: The original.
        output: The copy, a CSV file; its folder is made if missing.
        more_columns: What the copy has beside the original's columns.
        changed: Gets the original's lines in order, yields the copy's.

    Raises:
        ManifestError: If the copy would replace the manifest or cannot be written.
    """
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        link_images(manifest, output)
        with manifest.open(newline="", encoding="utf-8-sig") as original:
            reader = csv.DictReader(original)
            columns = list(dict.fromkeys([*(reader.fieldnames or []), *more_columns]))
            write_lines(output, columns, changed(iter(reader)))
    except OSError as error:
        raise _unwritable(output, error) from error


def write_lines(output: Path, columns: Sequence[str], lines: Iterable[Line]) -> None:
    """Write a table, which is there whole or not at all.

    Args:
        output: A CSV file; its folder is made if missing.
        columns: The names in its first line.
        lines: The others; what a line lacks stays blank.

    Raises:
        ManifestError: If it cannot be written.
    """
    partial = output.with_suffix(".partial")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("w", newline="", encoding="utf-8") as table:
            writer = csv.DictWriter(table, columns, restval="", lineterminator="\n")
            writer.writeheader()
            writer.writerows(lines)
        partial.replace(output)
    except OSError as error:
        raise _unwritable(output, error) from error
    finally:
        partial.unlink(missing_ok=True)


def _unwritable(output: Path, error: OSError) -> ManifestError:
    return ManifestError(
        f"{output} cannot be written ({error}). Name a file in a folder that you may write to, "
        "other than the manifest itself."
    )


def link_images(manifest: Path, output: Path) -> None:
    """Make the folders of images and masks reachable from the copy, whose paths are relative.

    Raises:
        OSError: If the copy would replace the manifest, or other images lie in the way.
    """
    if output.resolve() == manifest.resolve():
        raise FileExistsError("it is the manifest itself")
    if output.parent.resolve() == manifest.parent.resolve():
        return
    for top in sorted(image_folders(manifest) | {"masks"}):
        source, link = manifest.parent / top, output.parent / top
        if source.exists() and not (link.exists() and link.samefile(source)):
            link.symlink_to(source.resolve())


def column_names(table: Path) -> list[str]:
    """Return the names in the first line of a CSV file.

    Raises:
        OSError: If it cannot be read.
    """
    with table.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file).fieldnames or [])


def image_folders(manifest: Path) -> set[str]:
    """Return the names beside the manifest, mostly of folders, that its images' paths begin with.

    Raises:
        OSError: If the manifest cannot be read.
    """
    with manifest.open(newline="", encoding="utf-8-sig") as file:
        images = (values.get("image") for values in csv.DictReader(file))
        return {PurePosixPath(image).parts[0] for image in images if image}
