"""From a collection's folder to a manifest, which is there whole or not at all."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from daug.errors import ManifestError
from daug.findings import Finding
from trainers.adapters.collection import Collection, Place
from trainers.adapters.reach import Reach, reach_images
from trainers.adapters.record import Adapter, LeftOut, Record
from trainers.adapters.splits import hashed_split
from trainers.adapters.tally import Tally

# fmt: off
COLUMNS = (
    "id", "image", "dataset", "patient_id", "split", "view", "sex", "age", "width", "height",
    "study_id", "study_date", "study_order", *(finding.value for finding in Finding),
    "raw_labels", "report", "report_sections", "boxes", "license", "citation", "source_file",
)
# fmt: on
SAME_AGAIN = "it is listed more than once"
IN_TWO_SPLITS = "its patient is in another split already"


def write_manifest(
    adapter: Adapter, root: Path, output: Path, keep_missing: bool = False
) -> dict[str, Any]:
    """Write a collection's manifest, and beside it what it holds, lacks and may be used for.

    Args:
        adapter: Reads the collection.
        root: The collection's folder.
        output: The manifest, a CSV file; its folder is made if missing.
        keep_missing: Also write rows whose image is not there.

    Returns:
        The document that is also kept beside the manifest: rows, skipped by reason, labels by
        finding, splits, views, licence, citation, the meaning of label words and their source.

    Raises:
        ManifestError: If the folder is not laid out as the adapter expects, no radiograph is in
            it, or the manifest cannot be written.
    """
    collection = Collection(root)
    tally = Tally()
    partial = output.with_name(f".{output.name}.partial")  # hidden, since ROOT may be walked
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        _check_replaceable(output)
        reach = reach_images(collection.root, output, adapter.dataset)
        try:
            with partial.open("w", newline="", encoding="utf-8", errors="replace") as file:
                writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
                writer.writeheader()
                writer.writerows(_lines(adapter, collection, reach, keep_missing, tally))
            _check_any(tally, collection.root)
            reach.make_link()
            partial.replace(output)
        finally:
            partial.unlink(missing_ok=True)
        return _keep_document(adapter, collection, output, reach, tally)
    except OSError as error:
        raise ManifestError(
            f"{output} cannot be written ({error}). Name a file in a folder that you may write to."
        ) from error


def about_file(output: Path) -> Path:
    """Return where a manifest's document lies."""
    return output.with_name(f"{output.stem}.about.json")


def _lines(
    adapter: Adapter, collection: Collection, reach: Reach, keep_missing: bool, tally: Tally
) -> Iterator[dict[str, Any]]:
    seen: set[str] = set()
    split_of: dict[str, str] = {}
    for item in adapter.read(collection):
        if isinstance(item, LeftOut):
            tally.leave_out(item)
            continue
        place = collection.place(item.image)
        patient = item.patient or item.id
        split = item.split or hashed_split(adapter.dataset, patient)
        reason = ""
        if place is Place.OUTSIDE or (place is Place.MISSING and not keep_missing):
            reason = place.value
        elif item.id in seen:
            reason = SAME_AGAIN
        elif split_of.setdefault(patient, split) != split:
            reason = IN_TWO_SPLITS
        if reason:
            tally.leave_out(LeftOut(item.image, reason))
            continue
        seen.add(item.id)
        tally.missing_kept += place is Place.MISSING
        tally.add(item, split, item.licence or adapter.licence)
        yield _line(adapter, item, reach, split)


def _line(adapter: Adapter, record: Record, reach: Reach, split: str) -> dict[str, Any]:
    """Return a row; a blank cell is not written, since the writer fills it."""
    line: dict[str, Any] = {
        "id": f"{adapter.dataset}-{record.id}",
        "image": reach.path(record.image),
        "dataset": adapter.dataset,
        "patient_id": record.patient,
        "split": split,
        "view": record.view,
        "sex": record.sex,
        "age": record.age,
        "width": record.width,
        "height": record.height,
        "study_id": record.study,
        "study_date": record.study_date,
        "study_order": record.study_order,
        "raw_labels": record.raw_labels,
        "report": record.report,
        "license": record.licence or adapter.licence,
        "citation": "; ".join(filter(None, (adapter.citation, record.citation))),
        "source_file": record.image,
    }
    line.update((finding.value, value) for finding, value in record.labels.items())
    if record.report_sections:
        line["report_sections"] = json.dumps(dict(record.report_sections), ensure_ascii=False)
    if record.boxes:
        line["boxes"] = json.dumps([vars(box) for box in record.boxes])
    return line


def _check_replaceable(output: Path) -> None:
    """Refuse to write over a file that is no manifest, for instance a collection's own table.

    Raises:
        ManifestError: If it is one.
    """
    if not output.exists():
        return
    with output.open("rb") as file:
        start = file.readline(1000).removeprefix(b"\xef\xbb\xbf")
    if start.strip() and not start.startswith(b"id,image,dataset,patient_id,split"):
        raise ManifestError(
            f"{output} exists and is no manifest of this program. Name another file, so that "
            "nothing is lost."
        )


def _check_any(tally: Tally, root: Path) -> None:
    if tally.rows:
        return
    why = "; ".join(f"{n} left out since {reason}" for reason, n in tally.skipped.most_common())
    raise ManifestError(
        f"No radiograph of {root} can be listed: {why or 'its tables are empty'}. Put the images "
        "there, or keep rows without images with --keep-missing."
    )


def _keep_document(
    adapter: Adapter, collection: Collection, output: Path, reach: Reach, tally: Tally
) -> dict[str, Any]:
    document = {
        "adapter": adapter.name,
        "dataset": adapter.dataset,
        "title": adapter.title,
        "root": str(collection.root),
        "output": str(output),
        "linked_by": str(reach.link) if reach.link else None,
        **tally.document(),
        "split_rule": adapter.splits,
        "licence": adapter.licence,
        "terms": adapter.terms,
        "citation": adapter.reference,
        "label_words": dict(adapter.words.table),
        "label_words_source": adapter.words.source,
    }
    about = about_file(output)
    partial = about.with_name(f"{about.name}.partial")
    partial.write_text(json.dumps(document, indent=2, ensure_ascii=False), encoding="utf-8")
    partial.replace(about)
    return document
