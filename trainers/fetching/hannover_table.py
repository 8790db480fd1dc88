"""A table of Hannover's images for `daug data folder`, out of the repository's data.csv.

All its patients have COVID-19. The label is the patient's diagnosis, not what one image shows.
Patients are named, so that no patient comes into two splits.
"""

import csv
from pathlib import Path

from trainers.fetching.fault import FetchError

REPOSITORY = "covid-19-image-repository"
TABLE = "images.csv"
COLUMNS = ("image", "patient_id", "view", "sex", "age", "labels")
NEEDED = {"patient_id", "image_id", "projection", "sex", "age"}
DIAGNOSIS = "COVID-19"


def write_hannover_table(root: Path) -> int:
    """List the images that are there, and return how many.

    Args:
        root: The collection's folder, with the repository unpacked in it.

    Raises:
        FetchError: If data.csv is missing or has other columns.
    """
    source, partial = root / REPOSITORY / "data.csv", root / f".{TABLE}.partial"
    try:
        with source.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, restval="")
            if lacking := NEEDED - set(reader.fieldnames or ()):
                raise FetchError(
                    f"{source} has no column {', '.join(sorted(lacking))}. The repository has "
                    "changed; list its images with `daug data folder`."
                )
            lines = [_line(row) for row in reader]
        there = [line for line in lines if (root / line["image"]).is_file()]
        with partial.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(there)
        partial.replace(root / TABLE)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FetchError(f"{source} cannot be listed ({error}).") from error
    finally:
        partial.unlink(missing_ok=True)
    return len(there)


def _line(row: dict[str, str]) -> dict[str, str]:
    return {
        "image": f"{REPOSITORY}/png/{row['image_id']}.png",
        "patient_id": row["patient_id"],
        "view": row["projection"].upper(),
        "sex": row["sex"].upper(),
        "age": row["age"],
        "labels": DIAGNOSIS,
    }
