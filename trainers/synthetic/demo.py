"""The body of `daug bundle demo`: the cases of the demonstration library in a folder.

DIR/manifest.csv    what `daug library import` reads: labels, a composed sentence, the patient
DIR/demo.json       how each picture was drawn and judged, and the digest of every file
DIR/*.png           marked pictures at the models' own size
"""

import csv
import hashlib
import io
import json
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daug.bundle import Bundle, read_bundle
from daug.bundled_models import load_models
from daug.case import ReportKind
from daug.findings import Finding
from daug.loading.synthetic import SAYS_SYNTHETIC
from daug.notice import NOTICE
from trainers.evaluation.movement import find_device
from trainers.synthetic.contact_sheet import contact_sheet
from trainers.synthetic.copy_check import CopyCheck
from trainers.synthetic.demo_labels import CLEARLY, agrees, bars, labels, main_finding
from trainers.synthetic.demo_plan import demo_plan
from trainers.synthetic.demo_report import composed_report
from trainers.synthetic.drawing import Drawer
from trainers.synthetic.examples import check_report, compared_images, file_name
from trainers.synthetic.folder import files_of_earlier_run, write_folder
from trainers.synthetic.marking import bundle_name, marked_pixels, png_bytes
from trainers.synthetic.plan import Settings
from trainers.synthetic.selection import Drawn, select_pictures

INDEX_FILE = "demo.json"
MANIFEST_FILE = "manifest.csv"
SOURCE = "daug-synthetic"  # the data set that the cases say they are of
SPLIT = "demo"
LICENCE = "Apache-2.0"  # no picture is anybody's; the licence of the program that drew it
FIRST_COLUMNS = ("id", "image", "dataset", "patient_id", "split", "study_order", "view", "sex")
LAST_COLUMNS = ("age", "report", "report_kind", "license", "synthetic")
DECIMALS = 4  # of a score, rounded only after it was compared


@dataclass(frozen=True, eq=False)
class DemoCase:
    """A picture that was kept, and what is said of it."""

    id: str
    patient: str
    study_order: int  # from 1; the second study is drawn of the same noise
    file: str
    drawn: Drawn
    labels: Mapping[Finding, int]

    @property
    def cells(self) -> dict[str, str]:
        """The row of the manifest; what nobody knows of nobody (view, sex, age) stays blank."""
        seed = self.drawn.recipe.seed
        return {
            "id": self.id,
            "image": self.file,
            "dataset": SOURCE,
            "patient_id": self.patient,
            "split": SPLIT,
            "study_order": str(self.study_order),
            **{finding.value: str(label) for finding, label in self.labels.items()},
            "report": composed_report(self.labels, seed + self.study_order),
            "report_kind": ReportKind.TEMPLATE.value,
            "license": LICENCE,
            "synthetic": "1",
        }


def draw_demonstration(
    folder: Path,
    manifest: Path,
    output: Path,
    count: int,
    settings: Settings,
    cache: Path | None = None,
    sheet: Path | None = None,
) -> dict[str, Any]:
    """Draw, check, judge and write the cases.

    Args:
        folder: Of the bundle, which is only read.
        manifest: With the radiographs that its denoiser was trained on, and held-out ones.
        output: Folder for the cases; what an earlier run wrote is replaced, embeddings too.
        count: How many cases.
        settings: For all pictures.
        cache: Folder that keeps what takes long, so that a stopped run goes on where it was.
        sheet: File for all pictures side by side, to be looked at; none is written if none.

    Returns:
        What `demo.json` holds.

    Raises:
        BundleError: If the bundle cannot be loaded.
        ManifestError: If the manifest lacks radiographs that the denoiser was trained on.
        TrainingError: If too few pictures pass.
        ExportError: If the output holds files that are not this command's, or cannot be written.
    """
    bundle = read_bundle(folder)
    old = files_of_earlier_run(output, INDEX_FILE, named_files)
    if cache is None:
        with tempfile.TemporaryDirectory(prefix="daug-demo-") as thrown_away:
            drawn, report = _draw(bundle, manifest, count, settings, Path(thrown_away))
    else:
        drawn, report = _draw(bundle, manifest, count, settings, cache)
    cases = _cases(bundle, drawn)
    files = {
        case.file: png_bytes(case.drawn.picture, case.drawn.recipe, bundle, bundle.image_size)
        for case in cases
    }
    files[MANIFEST_FILE] = _manifest(cases)
    index = _index(bundle, cases, files, report, settings)
    text = json.dumps(index, indent=1, ensure_ascii=False) + "\n"
    write_folder(output, {**files, INDEX_FILE: text.encode()}, old)
    if sheet is not None:
        pictures = [(str(case.drawn.recipe.seed), _marked(case.drawn.picture)) for case in cases]
        contact_sheet(pictures, sheet)
    return index


def named_files(index: Mapping[str, Any]) -> Iterable[str]:
    """Return the files that a `demo.json` names."""
    return [file["file"] for file in (*index["cases"], index["manifest"], *index["shipped"])]


def _draw(
    bundle: Bundle, manifest: Path, count: int, settings: Settings, cache: Path
) -> tuple[list[Drawn], dict[str, Any]]:
    plan = demo_plan(bundle, count, settings)
    drawer = Drawer(load_models(bundle), find_device())
    training, held_out = compared_images(bundle, manifest, cache)
    check = CopyCheck(
        drawer.networks.classifier, training.pixels, held_out.pixels, cache, bundle.digest
    )
    drawn, tally = select_pictures(
        drawer,
        check,
        plan,
        settings,
        cache,
        agrees=lambda recipe, scores: agrees(bundle, recipe, scores, settings.asked),
        marking=_marked,
    )
    report = check_report(bundle, training, check, tally, drawn, settings)
    nearest = report.pop("pictures")  # of every picture; they stand with the cases
    return drawn, {**report, "nearest": [picture["percentiles"] for picture in nearest]}


def _marked(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return marked_pixels(picture, len(picture))


def _cases(bundle: Bundle, drawn: Sequence[Drawn]) -> list[DemoCase]:
    """Return the pictures as cases; those of one seed are one patient's, in their order."""
    studies: Counter[int] = Counter()
    several = Counter(one.recipe.seed for one in drawn)
    cases = []
    for one in drawn:
        seed = one.recipe.seed
        studies[seed] += 1
        patient = f"synthetic-{seed:07d}"
        name = f"{patient}-{studies[seed]}" if several[seed] > 1 else patient
        said = labels(bundle, one.recipe, one.scores)
        cases.append(DemoCase(name, patient, studies[seed], file_name(one), one, said))
    return cases


def _manifest(cases: Sequence[DemoCase]) -> bytes:
    text = io.StringIO()
    columns = [*FIRST_COLUMNS, *(finding.value for finding in Finding), *LAST_COLUMNS]
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(case.cells for case in cases)
    return text.getvalue().encode()


def _index(
    bundle: Bundle,
    cases: Sequence[DemoCase],
    files: Mapping[str, bytes],
    report: Mapping[str, Any],
    settings: Settings,
) -> dict[str, Any]:
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    nearest = report["nearest"]
    return {
        "notice": NOTICE,
        "synthetic": SAYS_SYNTHETIC,
        "bundle": bundle_name(bundle),
        "manifest": {"file": MANIFEST_FILE, "sha256": digests[MANIFEST_FILE]},
        "shipped": [],  # what `daug bundle demo-embed` adds
        "labels": {
            "bars": bars(bundle, settings.asked),  # present from here on
            "operating_points": {card.name: card.operating_point for card in bundle.offered},
            "absent_up_to": CLEARLY,  # of the operating point
            "finding_of": {card.name: main_finding(card).value for card in bundle.offered},
        },
        "copy_check": {key: value for key, value in report.items() if key != "nearest"},
        "cases": [
            {
                "id": case.id,
                "file": case.file,
                "sha256": digests[case.file],
                "title": case.drawn.recipe.title,
                "recipe": case.drawn.recipe.to_dict(),
                "scores": {n: round(score, DECIMALS) for n, score in case.drawn.scores.items()},
                "nearest_training_radiograph": {
                    "hash_bits": case.drawn.distances.hash_bits,
                    "features": round(case.drawn.distances.features, DECIMALS),
                    "percentiles": percentiles,
                },
            }
            for case, percentiles in zip(cases, nearest, strict=True)
        ],
    }
