"""A case library of drawn thoraces, and a model that compares them by their pixels.

Hearts and effusions differ from case to case, so that similar cases look similar.
"""

import csv
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from daug.embedding import Embedding
from daug.errors import EmbeddingError
from daug.finding_probability import FindingProbability, FindingScale
from daug.findings import Finding
from daug.heatmap import Recipe
from daug.radiograph import Radiograph
from db.library import Library
from tests.ui.phantoms import chest
from ui.heat_picture import gray

SIDE = 16  # of the little picture that is the embedding
EVIL = "<script>window.hacked = 1</script><img src=x onerror=window.hacked=1>"
FIRST_REPORT = "FINDINGS:  Large heart.\n  No pleural effusion.\n\tPossible edema. " + EVIL


def thorax(seed: int, rows: int = 360, columns: int = 300) -> NDArray[np.uint8]:
    """A thorax of its own for every seed; every third has a large heart, every fourth fluid."""
    pixels = chest(rows, columns)
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j]
    random = np.random.default_rng(seed)
    if large_heart(seed):
        wide = 0.45 + random.uniform(0, 0.1)
        pixels = np.where(((x - 0.15) / wide) ** 2 + ((y - 0.35) / 0.34) ** 2 < 1, 0.5, pixels)
    if effusion(seed):
        level = 0.35 - random.uniform(0, 0.2)
        pixels = np.where((y > level) & (x < -0.1) & (x > -0.8), 0.4, pixels)
    noise = cv2.resize(random.normal(0, 0.12, (12, 10)), (columns, rows))
    return gray((pixels + noise).clip(-1, 1).astype(np.float32))


def large_heart(seed: int) -> bool:
    return seed % 3 == 0


def effusion(seed: int) -> bool:
    return seed % 4 == 0


def fill(library: Library, folder: Path, count: int, *, synthetic: bool = False) -> list[int]:
    """Put drawn cases into a library; the first six are one patient's."""
    rows = [_row(seed, synthetic=synthetic) for seed in range(count)]
    (folder / "images").mkdir(parents=True, exist_ok=True)
    for seed in range(count):
        assert cv2.imwrite(str(folder / f"images/{seed}.png"), thorax(seed))
    path = folder / "manifest.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        columns = dict.fromkeys([*(name for row in rows for name in row)])
        writer = csv.DictWriter(file, list(columns), restval="")
        writer.writeheader()
        writer.writerows(rows)
    return library.import_files([path]).imported


def _row(seed: int, *, synthetic: bool) -> dict[str, str]:
    heart, fluid = large_heart(seed), effusion(seed)
    states = {
        Finding.NO_FINDING: not (heart or fluid),
        Finding.CARDIOMEGALY: heart,
        Finding.PLEURAL_EFFUSION: fluid,
    }
    report = "" if seed % 5 == 4 else f"Heart {'enlarged' if heart else 'normal in size'}."
    return {
        "id": f"c{seed}",
        "image": f"images/{seed}.png",
        "dataset": "drawn" if seed % 2 or seed < 6 else "also drawn",
        "patient_id": f"p{max(seed, 5)}",
        "study_id": f"s{seed}",
        "study_order": f"{seed:03d}",
        "split": "train",
        "view": "PA" if seed % 7 else "AP",
        "sex": "FM"[seed % 2],
        "age": str(20 + seed),
        "report": FIRST_REPORT if seed == 0 else report,
        "report_kind": "template" if seed % 5 == 1 else "real" if report else "",
        "synthetic": "1" if synthetic or seed % 11 == 10 else "",
        **{finding.value: str(int(state)) for finding, state in states.items()},
    }


class PixelEmbedder:
    """A model without a network: where a radiograph lies is what it looks like from afar."""

    model_digest = "a" * 64
    digest_without_heat: str | None = "b" * 64

    def embed(self, radiograph: Radiograph, *, without_heat: bool = False) -> Embedding:
        """Without heat it looks at the upper half alone, so that ranks move."""
        small = np.asarray(
            cv2.resize(radiograph.pixels, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.float32
        )
        if without_heat:
            small[SIDE // 2 :] = 0
        return self._at(small.ravel(), without_heat=without_heat)

    def embed_text(self, text: str, *, without_heat: bool = False) -> Embedding:
        """A text lies where the first thorax that has what it names does."""
        if not text.strip():
            raise EmbeddingError("There is nothing to read.")
        seed = 4 if "effusion" in text else 3
        pixels = thorax(seed).astype(np.float32) / 127.5 - 1
        return self.embed(Radiograph(pixels, "text"), without_heat=without_heat)

    def embed_change(
        self, radiograph: Radiograph, recipe: Recipe, *, without_heat: bool = False
    ) -> tuple[Embedding, Embedding]:
        """More of anything is fluid below on the left."""
        changed = radiograph.pixels.copy()
        changed[changed.shape[0] * 2 // 3 :] = 0.4
        imagined = Radiograph(changed, "imagined")
        return (
            self.embed(imagined, without_heat=without_heat),
            self.embed(radiograph, without_heat=without_heat),
        )

    def classify(self, radiograph: Radiograph) -> tuple[FindingProbability, ...]:
        """Fixed probabilities: the first is calibrated, the last was not even learnt."""
        scales = {
            Finding.CARDIOMEGALY: FindingScale(90, 200, 1.2, 0.4, trained=True, calibrated=True),
            Finding.EDEMA: FindingScale(3, 200, 1.0, 0.6, trained=True, calibrated=False),
        }
        return tuple(
            FindingProbability(finding, 0.05 + 0.05 * place, scales.get(finding, FindingScale()))
            if finding is not Finding.CARDIOMEGALY
            else FindingProbability(finding, 0.7, scales[finding])
            for place, finding in enumerate(Finding)
        )

    def _at(self, values: NDArray[np.float32], *, without_heat: bool) -> Embedding:
        centred = values - values.mean()
        digest = self.digest_without_heat if without_heat else self.model_digest
        assert digest is not None
        return Embedding(centred / np.linalg.norm(centred), digest)
