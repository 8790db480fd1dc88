"""`daug bench label`: how many reports a second the labeller reads, on one core.

Processor time is counted, so that other programs change nothing. The reports are those of Open-i;
without them, a composed report of usual length is read again and again.
"""

import json
import statistics
import time
from pathlib import Path
from typing import Annotated, Any

import typer

REPEATS = 5
COMPOSED = """INDICATION: Cough and fever, evaluate for pneumonia.

COMPARISON: Radiograph of last year.

FINDINGS: Heart size is mildly enlarged and unchanged. The mediastinal contours are within normal
limits. There is a patchy opacity at the left base, which may represent atelectasis or early
pneumonia. No pleural effusion or pneumothorax is seen. A right PICC ends in the superior vena cava.
Degenerative changes of the thoracic spine without acute fracture.

IMPRESSION: 1. Left basal opacity, atelectasis versus pneumonia. 2. Stable cardiomegaly, no
edema.
"""


def bench_label(
    reports: Annotated[
        Path | None, typer.Option(exists=True, help="Open-i reports: the .tgz file or its folder.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Time the labeller on reports in memory, on one core."""
    result = time_labeller(reports)
    if as_json:
        typer.echo(json.dumps(result, indent=2))
        return
    typer.echo(
        f"{result['reports']} reports of {result['characters']} characters on average: "
        f"{result['per_second']:.0f} reports/s (median of {REPEATS})."
    )


def time_labeller(source: Path | None) -> dict[str, Any]:
    """Return how many reports were read a second, the median of five times."""
    from trainers.evaluation.labeller.openi import read_coded_reports
    from trainers.labeller.rules import RuleLabeller

    texts = [COMPOSED] * 1000 if source is None else [r.text for r in read_coded_reports(source)]
    labeller = RuleLabeller()
    seconds = []
    for _ in range(REPEATS):
        begin = time.process_time()
        labeller.label(texts)
        seconds.append(time.process_time() - begin)
    return {
        "source": "composed" if source is None else str(source),
        "reports": len(texts),
        "characters": round(statistics.mean(map(len, texts))),
        "per_second": len(texts) / statistics.median(seconds),
        "of_each_round": [len(texts) / s for s in seconds],
    }
