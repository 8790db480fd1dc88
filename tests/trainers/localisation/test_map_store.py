from pathlib import Path

import numpy as np
import pytest

from trainers.evaluation.localisation.kept import kept
from trainers.evaluation.localisation.map_store import MapStore

DIGEST = "ab" * 32
KEY = {"bundle": "x", "size": 4}
MAPS = {"0": np.arange(16, dtype=np.float32).reshape(1, 4, 4) * 1e-9}


def test_maps_come_back_to_the_bit_even_where_they_are_tiny(tmp_path: Path) -> None:
    store = MapStore(tmp_path)
    assert store.read(DIGEST, KEY) is None
    store.write(DIGEST, KEY, MAPS)
    found = store.read(DIGEST, KEY)
    assert found is not None
    assert np.array_equal(found["0"], MAPS["0"])


@pytest.mark.parametrize("other", [{"bundle": "y", "size": 4}, {"bundle": "x", "size": 8}])
def test_another_key_or_radiograph_is_another_file(
    tmp_path: Path, other: dict[str, object]
) -> None:
    store = MapStore(tmp_path)
    store.write(DIGEST, KEY, MAPS)
    assert store.read(DIGEST, other) is None
    assert store.read("cd" * 32, KEY) is None


@pytest.mark.parametrize("damage", ["cut", "flip", "swap"])
def test_a_damaged_file_is_drawn_again_and_not_believed(tmp_path: Path, damage: str) -> None:
    store = MapStore(tmp_path)
    store.write(DIGEST, KEY, MAPS)
    (path,) = tmp_path.rglob("*.safetensors")
    content = path.read_bytes()
    if damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "flip":
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    else:
        store.write(DIGEST, {"bundle": "y"}, MAPS)
        next(p for p in tmp_path.rglob("*.safetensors") if p != path).replace(path)
    assert store.read(DIGEST, KEY) is None


def test_a_small_result_is_made_once(tmp_path: Path) -> None:
    made: list[int] = []

    def make() -> dict[str, int]:
        made.append(1)
        return {"a": len(made)}

    assert kept(tmp_path / "deep/a.json", make) == kept(tmp_path / "deep/a.json", make) == {"a": 1}


def test_what_failed_leaves_nothing_behind(tmp_path: Path) -> None:
    def make() -> object:
        return object()  # no JSON

    with pytest.raises(TypeError):
        kept(tmp_path / "a.json", make)
    assert not list(tmp_path.iterdir())
