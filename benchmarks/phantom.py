"""`daug bench phantom`: how many phantoms one core draws in a second, with findings and masks."""

import json
import platform
import time
from typing import Annotated, Any

import typer


def bench_phantom(
    size: Annotated[int, typer.Option(min=64, help="Side of a phantom in pixels.")] = 128,
    phantoms: Annotated[int, typer.Option(min=10, help="How many are drawn of each kind.")] = 300,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Time phantoms without findings, with findings as in training, and with all of them."""
    result = time_phantoms(size, phantoms)
    if as_json:
        typer.echo(json.dumps(result, indent=2))
        return
    for row in result["results"]:
        typer.echo(f"{row['what']}: {row['images_per_second']:.0f} images/s")


def time_phantoms(size: int, phantoms: int) -> dict[str, Any]:
    """Return images per second of processor time on one thread, so that others do not count.

    Args:
        size: Side of a phantom in pixels.
        phantoms: How many are drawn of each kind, after a few that warm up.
    """
    import cv2
    import numpy as np

    from daug.findings import Finding
    from daug.phantom import DRAWN, CoOccurrence, draw_phantom

    rates, generator = CoOccurrence(0.8), np.random.default_rng(0)
    usual = [rates.draw(generator) for _ in range(phantoms)]
    kinds: dict[str, list[frozenset[Finding]]] = {
        "no finding": [frozenset()] * phantoms,
        "findings as in training, 0.3 of each": usual,
        "all six findings": [frozenset(DRAWN)] * phantoms,
    }
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        results = []
        for what, wanted in kinds.items():
            for seed in range(5):
                draw_phantom(seed, wanted[seed], size)
            start = time.process_time()
            for seed, findings in enumerate(wanted):
                draw_phantom(seed, findings, size)
            seconds = time.process_time() - start
            results.append({"what": what, "images_per_second": round(phantoms / seconds, 1)})
    finally:
        cv2.setNumThreads(threads)
    return {
        "size": size,
        "phantoms": phantoms,
        "results": results,
        "machine": {"python": platform.python_version(), "processor": platform.machine()},
    }
