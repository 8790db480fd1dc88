import multiprocessing
import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from daug.errors import ManifestError, TrainingError
from daug.loading import load_radiograph
from daug.radiograph import Radiograph
from tests.trainers.rows import noise_image, write_image, write_manifest
from trainers.manifest import Row, read_manifest
from trainers.pixels import large_enough, load_images, pixel_array, to_model_range


@pytest.fixture
def rows(tmp_path: Path) -> list[Row]:
    """Upright, square and wide."""
    for i, shape in enumerate([(160, 120), (120, 120), (110, 150)]):
        write_image(tmp_path / f"{i}.png", noise_image(i, *shape))
    lines = [{"id": str(i), "Edema": "1"} for i in range(3)]
    return read_manifest(write_manifest(tmp_path / "manifest.csv", lines))


def test_the_array_holds_what_a_model_sees_to_half_a_grey_level(
    rows: list[Row], tmp_path: Path
) -> None:
    array = pixel_array(rows, 32, tmp_path / "cache")
    assert array.shape == (3, 32, 32)
    assert array.dtype == np.uint8
    for found, row in zip(to_model_range(array), rows, strict=True):
        expected = load_radiograph(row.image).model_input(32).pixels
        np.testing.assert_allclose(found[0], expected, atol=0.5 / 127.5 + 1e-6)


def test_eight_bits_survive_the_way_to_the_models_range_and_back() -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    images = to_model_range(levels)
    assert images.shape == (1, 1, 16, 16)
    assert images.dtype == torch.float32
    assert (float(images.min()), float(images.max())) == (-1, 1)
    np.testing.assert_array_equal(((images + 1) * 127.5).round().numpy()[:, 0], levels)


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the images that were decoded, each as often as it was."""
    names: list[str] = []

    def load(path: Path) -> Radiograph:
        names.append(path.name)
        return load_radiograph(path)

    monkeypatch.setattr("trainers.pixels.load_radiograph", load)
    return names


def test_each_image_is_decoded_once_and_the_second_time_not_at_all(
    rows: list[Row], tmp_path: Path, decoded: list[str]
) -> None:
    first = load_images(rows, 32, tmp_path / "cache")
    assert sorted(decoded) == ["0.png", "1.png", "2.png"]
    again = load_images(rows, 32, tmp_path / "cache")
    assert len(decoded) == 3
    assert again.rows == first.rows == rows
    np.testing.assert_array_equal(again.pixels, first.pixels)


@pytest.mark.parametrize("how", ["other size", "same size", "same size and date", "gone, come"])
def test_a_changed_image_under_the_same_path_is_decoded_anew(
    rows: list[Row], tmp_path: Path, how: str
) -> None:
    cache = tmp_path / "cache"
    rows = [replace(row, image=row.image.with_suffix(".tif")) for row in rows]
    for row in rows:  # uncompressed, so that the size says nothing of the content
        Image.fromarray(noise_image(int(row.id))).save(row.image)
    path = rows[1].image
    first = np.array(load_images(rows, 32, cache).pixels)
    before = path.stat()
    image = noise_image(77, *((140, 140) if how == "other size" else (120, 120)))
    if how == "gone, come":
        hidden = path.rename(tmp_path / "hidden.tif")
        assert len(load_images(rows, 32, cache).rows) == 2
        hidden.unlink()
    Image.fromarray(image).save(path)
    if how != "other size":
        assert path.stat().st_size == before.st_size
    if how == "same size and date":
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    expected = np.array(pixel_array(rows, 32, tmp_path / "another cache"))
    found = load_images(rows, 32, cache).pixels
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(found[[0, 2]], first[[0, 2]])
    assert (found[1] != first[1]).any()


def test_half_written_arrays_of_a_killed_process_are_not_taken_for_whole(
    rows: list[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed while it decoded, or between the array and what says that it is whole."""

    class KilledError(BaseException):
        pass

    def killed(values: object) -> str:
        raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr("trainers.pixels.json.dumps", killed)
        with pytest.raises(KilledError):
            pixel_array(rows, 32, tmp_path / "cache")
    for path in (tmp_path / "cache").glob("*.npy"):
        path.write_bytes(path.read_bytes()[:200])
    expected = pixel_array(rows, 32, tmp_path / "another cache")
    np.testing.assert_array_equal(pixel_array(rows, 32, tmp_path / "cache"), expected)


def load_in_a_process(rows: list[Row], cache: Path, counts: Path) -> None:
    def load(path: Path) -> Radiograph:
        (counts / f"{os.getpid()} {path.name}").touch()
        time.sleep(0.05)  # so that all processes are at it
        return load_radiograph(path)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("trainers.pixels.load_radiograph", load)
        array = load_images(rows, 32, cache).pixels
    assert array.shape == (3, 32, 32)
    (counts / f"{os.getpid()}.done").write_bytes(array.tobytes())


def test_of_several_processes_one_decodes_and_the_others_wait(
    rows: list[Row], tmp_path: Path
) -> None:
    counts = tmp_path / "counts"
    counts.mkdir()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.trainers.test_pixels", "tests.trainers.launched"])
    processes = [
        context.Process(target=load_in_a_process, args=(rows, tmp_path / "cache", counts))
        for _ in range(3)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert len(list(counts.glob("*.png"))) == 3  # each image by one process
    arrays = [path.read_bytes() for path in counts.glob("*.done")]
    assert len(arrays) == 3
    assert len(set(arrays)) == 1


def test_bad_images_are_counted_by_what_is_wrong_and_the_rest_is_trained_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lines = [{"id": str(i), "Edema": "1"} for i in range(8)]
    rows = read_manifest(write_manifest(tmp_path / "manifest.csv", lines))
    for i in range(8):
        write_image(rows[i].image, noise_image(i))
    rows[2].image.write_bytes(b"no picture")
    rows[4].image.unlink()
    rows[5].image.unlink()
    write_image(rows[6].image, noise_image(6, 99, 300))
    images = load_images(rows, 32, tmp_path / "cache")
    assert images.left_out == {"missing": 2, "unreadable": 1, "too_small": 1}
    assert [row.id for row in images.rows] == ["0", "1", "3", "7"]
    good = [rows[i] for i in (0, 1, 3, 7)]
    np.testing.assert_array_equal(images.pixels, pixel_array(good, 32, tmp_path / "good"))
    (told,) = caplog.messages
    assert told.startswith("of 8 images, 2 missing, 1 unreadable, 1 too small; they are left out")
    assert all(name in told for name in ("2.png", "4.png", "5.png"))


def test_only_the_first_bad_images_are_named(rows: list[Row], tmp_path: Path) -> None:
    many = [replace(rows[0], id=str(i), image=tmp_path / f"no{i}.png") for i in range(9)]
    with pytest.raises(ManifestError, match=r"no4\.png") as caught:
        pixel_array(many, 32, tmp_path / "cache")
    assert "no5.png" not in str(caught.value)


@pytest.mark.parametrize(("missing", "refused"), [(0, False), (5, False), (6, True), (10, True)])
def test_when_more_than_half_cannot_be_read_the_manifest_is_refused(
    tmp_path: Path, missing: int, refused: bool
) -> None:
    lines = [{"id": str(i), "Edema": "1"} for i in range(10)]
    rows = read_manifest(write_manifest(tmp_path / "manifest.csv", lines))
    for row in rows[missing:]:
        write_image(row.image, noise_image(0))
    if not refused:
        assert len(load_images(rows, 32, tmp_path / "cache").rows) == 10 - missing
        return
    with pytest.raises(ManifestError, match=f"{missing} missing, 0 unreadable, 0 too small"):
        load_images(rows, 32, tmp_path / "cache")


def test_thumbnails_alone_are_nothing_to_train_on(rows: list[Row], tmp_path: Path) -> None:
    for row in rows:
        write_image(row.image, noise_image(0, 70, 70))
    with pytest.raises(ManifestError, match=r"0 of 3 images can be trained on; .* 3 too small"):
        load_images(rows, 32, tmp_path / "cache")


def test_a_cache_that_cannot_be_written_is_told_in_a_sentence(
    rows: list[Row], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(TrainingError, match="cannot be kept in"):
        load_images(rows, 32, tmp_path / "file")


def test_other_rows_or_another_size_have_an_array_of_their_own(
    rows: list[Row], tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    whole = pixel_array(rows, 32, cache)
    np.testing.assert_array_equal(pixel_array(rows[::-1], 32, cache), whole[::-1])
    assert pixel_array(rows[:1], 32, cache).shape == (1, 32, 32)
    assert pixel_array(rows, 16, cache).shape == (3, 16, 16)


def test_unreadable_images_are_refused_where_scores_would_be_false(
    rows: list[Row], tmp_path: Path
) -> None:
    rows[0].image.write_bytes(b"no picture")
    rows[2].image.unlink()
    cache = tmp_path / "cache"
    with pytest.raises(ManifestError, match=r"2 of 3 images cannot be read: 0\.png.*2\.png"):
        pixel_array(rows, 32, cache)


def test_thumbnails_are_left_out_by_their_shorter_side(rows: list[Row]) -> None:
    assert large_enough(rows) == rows
    assert large_enough(rows, min_side=111) == rows[:2]


def test_a_missing_image_is_no_thumbnail(rows: list[Row]) -> None:
    rows[1].image.unlink()
    with pytest.raises(ManifestError, match=r"1 of 3 images cannot be read: 1\.png"):
        large_enough(rows)
