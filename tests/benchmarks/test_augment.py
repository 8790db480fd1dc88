from pathlib import Path

import pytest

from benchmarks.augment import time_augment
from daug.bundle import Bundle
from tests.trainers.rows import noise_image, write_image, write_manifest


def test_every_way_is_compared_with_the_bundles_own_recipe(
    tiny_bundle: Bundle, tmp_path: Path
) -> None:
    for i in range(6):
        write_image(tmp_path / f"r{i}.png", noise_image(i))
    lines = [
        {"id": f"r{i}", "image": f"r{i}.png", "No Finding": "1", "split": "val"} for i in range(6)
    ]
    manifest = write_manifest(tmp_path / "manifest.csv", lines)
    found = time_augment(manifest, tiny_bundle.folder, "val", 3, (2,), batch=2)
    rows = {(row["what"], row["num_steps"]): row for row in found["results"]}
    assert found["images"] == 3
    assert set(rows) == {("in batches", 4), ("one at a time", 4), ("in batches", 2)}
    assert rows["one at a time", 4]["agreement"]["min"] == pytest.approx(1, abs=0.05)
    assert (
        rows["in batches", 2]["agreement"]["median"] < rows["in batches", 4]["agreement"]["median"]
    )
    assert rows["in batches", 2]["scale"] == tiny_bundle.recipe.scale / 2
    assert all(row["images_per_second"] > 0 for row in found["results"])
