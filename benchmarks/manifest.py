"""`daug bench manifest`: how long the largest collection takes to become a manifest.

A drawn folder of the size of MIMIC-CXR-JPG is listed, with its reports out of the archive, in a
process of its own, so that its memory is known. Beside it the plain way: its tables are read and
written again as they are, and nothing is joined, checked or looked for.
"""

import csv
import gzip
import json
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.manifest_tree import draw_tree

ALL_IMAGES = 377_110  # of MIMIC-CXR


def bench_manifest(
    images: Annotated[int, typer.Option(min=10, help="How many are drawn.")] = ALL_IMAGES,
    files: Annotated[
        bool, typer.Option("--files", help="Also draw the images as empty files, to be found.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Time `daug data mimic-cxr-jpg` on a drawn folder."""
    result = time_manifest(images, files)
    if as_json:
        typer.echo(json.dumps(result, indent=2))
        return
    typer.echo(
        f"{result['images']} images, {result['rows']} of them frontal: {result['seconds']:.1f} s "
        f"({result['processor_seconds']:.1f} s of processor), {result['megabytes']:.0f} MB of "
        f"memory, {result['times_a_plain_copy']:.1f} times a plain copy of the tables."
    )


def time_manifest(images: int, files: bool) -> dict[str, Any]:
    """Return seconds and memory of one manifest, each step in a new process.

    Args:
        images: How many the drawn folder lists.
        files: Whether they are there; otherwise they are kept though missing.
    """
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "mimic"
        _alone(draw_tree, root, images, files)
        plain = _alone(copy_tables, root, Path(folder) / "copy.csv")
        listed = _alone(list_images, root, Path(folder) / "manifest.csv", not files)
    return {
        "images": images,
        "files": files,
        **listed,
        "plain_seconds": plain["processor_seconds"],
        "times_a_plain_copy": listed["processor_seconds"] / plain["processor_seconds"],
    }


def list_images(root: Path, output: Path, keep_missing: bool) -> dict[str, Any]:
    """Write the manifest; return its rows, seconds and the most memory this process has had."""
    import resource

    from trainers.adapters.mimic_jpg import MIMIC_CXR_JPG
    from trainers.adapters.writing import write_manifest

    began, used = time.perf_counter(), time.process_time()
    said = write_manifest(MIMIC_CXR_JPG, root, output, keep_missing)
    return {
        "rows": said["rows"],
        "seconds": time.perf_counter() - began,
        "processor_seconds": time.process_time() - used,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def copy_tables(root: Path, output: Path) -> dict[str, float]:
    """Read every table and write its rows again; return the seconds of processor."""
    used = time.process_time()
    with output.open("w", newline="", encoding="utf-8") as copy:
        writer = csv.writer(copy)
        for path in sorted(root.glob("*.csv.gz")):
            with gzip.open(path, "rt", newline="", encoding="utf-8") as table:
                writer.writerows(csv.reader(table))
    return {"processor_seconds": time.process_time() - used}


def _alone(step: Callable[..., Any], *arguments: object) -> Any:
    """Run a step in a new process, which leaves its memory behind."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(step, *arguments).result()
