"""The doctor finds what is wrong with a machine, says what to do, and is not stopped by it."""

import importlib.metadata
import shutil
import sys
import tempfile
from collections import namedtuple
from pathlib import Path
from types import ModuleType

import psutil
import pytest
import torch
import torchvision

from daug import machine_checks
from daug.bundle import Bundle
from daug.bundle_checks import bundle_checks
from daug.checkup import Check, carry_out
from daug.errors import DaugError

PROJECT = '[project]\nrequires-python = ">=3.11"\ndependencies = [{}]\n'


def checks_of(needs: str, folder: Path) -> dict[str, Check]:
    project = folder / "pyproject.toml"
    project.write_text(PROJECT.format(needs), encoding="utf-8")
    return {check.name: check for check in carry_out(machine_checks.machine_checks(project))}


def test_a_failing_check_never_keeps_the_others_from_their_turn() -> None:
    def refuse() -> str:
        raise DaugError("The disk is full. Free some.")

    def break_down() -> str:
        raise RuntimeError("operator torchvision::nms does not exist\nand more")

    looks = [("a", lambda: "found"), ("b", refuse), ("c", break_down), ("d", lambda: "found")]
    a, b, c, d = carry_out(looks)
    assert (a, d) == (Check("a", True, "found"), Check("d", True, "found"))
    assert b == Check("b", False, "The disk is full. Free some.")
    assert not c.ok
    assert "operator torchvision::nms does not exist. Set DAug up again" in c.message


def test_every_library_of_the_project_is_held_against_its_bound(tmp_path: Path) -> None:
    found = checks_of('"numpy>=2", "pillow>=99", "python-gdcm>=3.2", "daug-has-none>=1"', tmp_path)
    assert found["library numpy"].ok
    assert found["library python-gdcm"].ok  # imported as gdcm
    assert not found["library pillow"].ok
    assert "found, >=99 is needed. Run `make app`" in found["library pillow"].message
    assert found["library daug-has-none"].message.startswith("daug-has-none is not installed.")


def test_the_projects_own_libraries_are_those_that_are_checked() -> None:
    names = {name for name, _ in machine_checks.machine_checks()}
    assert {"library torch", "library gradio", "library sqlalchemy", "python"} <= names


def test_an_older_version_is_told_and_so_is_one_that_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "2.10.9")
    with pytest.raises(DaugError, match=r"torch 2\.10\.9 found, >=2\.11 is needed"):
        machine_checks.library("torch>=2.11")

    def gone(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", gone)
    with pytest.raises(DaugError, match="torch is not installed"):
        machine_checks.library("torch>=2.11")


def test_a_library_that_is_there_but_broken_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)  # its import fails from now on
    with pytest.raises(DaugError, match=r"pillow .* is there, but `import PIL` fails"):
        machine_checks.library("pillow>=1")


def test_a_project_that_cannot_be_read_costs_only_its_own_check(tmp_path: Path) -> None:
    checks = list(carry_out(machine_checks.machine_checks(tmp_path / "pyproject.toml")))
    assert (checks[0].name, checks[0].ok) == ("versions", False)
    assert "from a whole checkout" in checks[0].message
    assert {"torch and torchvision", "temporary folder"} <= {c.name for c in checks if c.ok}


def test_another_python_is_told() -> None:
    assert machine_checks.python_version(">=3.11").startswith("Python 3.")
    with pytest.raises(DaugError, match=r"found, >=4 is needed"):
        machine_checks.python_version(">=4")


def test_a_torchvision_of_another_torch_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "work together" in machine_checks.torch_operators()

    def missing(*_: object) -> torch.Tensor:
        raise RuntimeError("operator torchvision::nms does not exist")

    monkeypatch.setattr(torchvision.ops, "nms", missing)
    with pytest.raises(DaugError, match=r"does not belong to torch .*nms does not exist"):
        machine_checks.torch_operators()
    monkeypatch.setattr(torchvision.ops, "nms", lambda *_: torch.tensor([0, 1, 2]))
    with pytest.raises(DaugError, match="computes wrongly"):
        machine_checks.torch_operators()


def test_a_torchvision_that_does_not_import_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = ModuleType("torchvision")  # has no operators
    monkeypatch.setitem(sys.modules, "torchvision", broken)
    with pytest.raises(DaugError, match="does not belong to torch"):
        machine_checks.torch_operators()


def test_little_memory_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = namedtuple("memory", "available total")
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory(2**31 - 1, 2**33))
    with pytest.raises(DaugError, match=r"2\.0 of 8\.0 GiB are free, 2 GiB are needed"):
        machine_checks.memory()
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory(2**31, 2**33))
    assert machine_checks.memory() == "2.0 of 8.0 GiB are free"


def test_a_temporary_folder_that_cannot_be_written_to_or_is_full_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "can be written to" in machine_checks.temporary_folder()
    usage = namedtuple("usage", "total used free")
    with monkeypatch.context() as full:
        full.setattr(shutil, "disk_usage", lambda _: usage(2**40, 2**40, 2**30 - 1))
        with pytest.raises(DaugError, match=r"1 GiB is needed.*TMPDIR"):
            machine_checks.temporary_folder()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(DaugError, match="Nothing can be written to the temporary folder"):
        machine_checks.temporary_folder()


def test_more_threads_than_processors_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    assert machine_checks.processor().startswith("1 threads")
    monkeypatch.setattr(torch, "get_num_threads", lambda: 4096)
    with pytest.raises(DaugError, match="OMP_NUM_THREADS="):
        machine_checks.processor()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_an_accelerator_is_named() -> None:
    assert torch.cuda.get_device_name() in machine_checks.accelerator()


def test_a_whole_bundle_is_in_order(tiny_bundle: Bundle) -> None:
    files, models = carry_out(bundle_checks(tiny_bundle.folder))
    assert files.ok
    assert models.ok
    assert f"tiny 0 ({tiny_bundle.digest[:12]}) is whole: 6 files verified in" in files.message
    assert "5 of 7 super-classes are offered" in models.message


def test_a_broken_bundle_is_told_with_the_file(tiny_bundle: Bundle, tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    shutil.copytree(tiny_bundle.folder, folder)
    (folder / "unet/denoiser.json").unlink()
    for check in carry_out(bundle_checks(folder)):
        assert not check.ok
        assert "unet/denoiser.json is missing" in check.message
    for check in carry_out(bundle_checks(tmp_path)):
        assert not check.ok
        assert "holds no bundle.json" in check.message
