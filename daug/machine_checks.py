"""Is this machine in order: Python, libraries, memory, disk, processor and accelerator?"""

import importlib
import importlib.metadata
import os
import re
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache, partial
from pathlib import Path

from daug.checkup import Look
from daug.errors import DaugError

PROJECT = Path(__file__).parents[1] / "pyproject.toml"  # DAug runs from its checkout
GIB = 2**30
MEMORY = 2 * GIB  # networks, eight maps at once and the screen
DISK = GIB  # uploads and exports under way
AGAIN = "Run `make app`, which installs what is needed"


def machine_checks(project: Path = PROJECT) -> list[tuple[str, Look]]:
    """Return the checks of this machine.

    Args:
        project: The `pyproject.toml` that says which versions are needed.
    """
    return [
        *_versions(project),
        ("torch and torchvision", torch_operators),
        ("memory", memory),
        ("temporary folder", temporary_folder),
        ("processor", processor),
        ("accelerator", accelerator),
    ]


def _versions(project: Path) -> list[tuple[str, Look]]:
    try:
        needs = tomllib.loads(project.read_text(encoding="utf-8"))["project"]
        return [
            ("python", partial(python_version, needs["requires-python"])),
            *((f"library {_name(need)}", partial(library, need)) for need in needs["dependencies"]),
        ]
    except (OSError, KeyError, TypeError, ValueError) as error:
        return [("versions", partial(_unreadable, project, error))]


def _unreadable(project: Path, error: Exception) -> str:
    raise DaugError(f"{project} cannot be read ({error}). Run DAug from a whole checkout.")


def python_version(needed: str) -> str:
    """Hold this Python against what is needed, for instance ">=3.11"."""
    from packaging.specifiers import SpecifierSet

    found = ".".join(map(str, sys.version_info[:3]))
    if not SpecifierSet(needed).contains(found):
        raise DaugError(f"Python {found} found, {needed} is needed. Install a newer Python.")
    return f"Python {found}"


def library(need: str) -> str:
    """Import a library and hold its version against what is needed, "torch>=2.11" for instance."""
    from packaging.requirements import Requirement

    requirement = Requirement(need)
    try:
        found = importlib.metadata.version(requirement.name)
    except importlib.metadata.PackageNotFoundError:
        raise DaugError(f"{requirement.name} is not installed. {AGAIN}.") from None
    if not requirement.specifier.contains(found, prereleases=True):
        raise DaugError(
            f"{requirement.name} {found} found, {requirement.specifier} is needed. {AGAIN}."
        )
    module = _module_of(requirement.name)
    try:
        importlib.import_module(module)
    except Exception as error:
        reason = str(error).strip().partition("\n")[0]
        raise DaugError(
            f"{requirement.name} {found} is there, but `import {module}` fails ({reason}). {AGAIN}."
        ) from error
    return f"{requirement.name} {found}"


def torch_operators() -> str:
    """Ask torchvision's own operators: with another torch than its own they are missing."""
    import torch

    try:
        import torchvision

        boxes = torch.tensor([[0.0, 0, 2, 2], [0, 0, 2, 2], [5, 5, 6, 6]])
        kept: Sequence[int] = torchvision.ops.nms(
            boxes, torch.tensor([0.9, 0.8, 0.7]), 0.5
        ).tolist()
    except (AttributeError, ImportError, NotImplementedError, RuntimeError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise DaugError(
            f"torchvision does not belong to torch {torch.__version__} ({reason}). Install the "
            "two in the versions of constraints.txt, from the same place."
        ) from error
    if kept != [0, 2]:
        raise DaugError(f"torchvision computes wrongly: nms kept {kept}, not [0, 2]. {AGAIN}.")
    return f"torch {torch.__version__} and torchvision {torchvision.__version__} work together"


def memory() -> str:
    """Say how much memory is free."""
    import psutil

    now = psutil.virtual_memory()
    said = f"{now.available / GIB:.1f} of {now.total / GIB:.1f} GiB are free"
    if now.available < MEMORY:
        raise DaugError(f"{said}, {MEMORY / GIB:.0f} GiB are needed. Close other programs.")
    return said


def temporary_folder() -> str:
    """Write into the folder of temporary files and say how much room it has."""
    try:
        folder = Path(tempfile.gettempdir())
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(4096))
            file.flush()
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise DaugError(
            f"Nothing can be written to the temporary folder ({error.strerror}). Free its disk, or "
            "name another with the environment variable TMPDIR."
        ) from error
    said = f"{folder} can be written to; {free / GIB:.1f} GiB are free"
    if free < DISK:
        raise DaugError(
            f"{said}, {DISK / GIB:.0f} GiB is needed. Free some, or name another folder with the "
            "environment variable TMPDIR."
        )
    return said


def processor() -> str:
    """Say how many threads compute, and whether bfloat16 is fast here."""
    import torch

    from daug.precision import has_fast_bf16

    threads = torch.get_num_threads()
    processors = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    )
    speed = "fast" if has_fast_bf16(torch.device("cpu")) else "slow, so float32 is used"
    said = f"{threads} threads on {processors} processors; bfloat16 is {speed}"
    if processors is not None and threads > processors:
        raise DaugError(
            f"{said}. More threads than processors wait for each other: set the environment "
            f"variable OMP_NUM_THREADS={processors}."
        )
    return said


def accelerator() -> str:
    """Say which CUDA device computes, if any, and let it compute once."""
    import torch

    if not torch.cuda.is_available():
        if Path("/dev/nvidia0").exists():
            raise DaugError(
                f"An NVIDIA device is there, but torch {torch.__version__} cannot use it. Update "
                "its driver; until then everything is computed on the processor."
            )
        return "none; everything is computed on the processor"
    device = torch.device("cuda")
    try:
        total = float(torch.ones(8, device=device).sum())
    except RuntimeError as error:
        reason = str(error).strip().partition("\n")[0]
        raise DaugError(
            f"{torch.cuda.get_device_name(device)} does not compute ({reason}). Update its driver, "
            "or hide it with the environment variable CUDA_VISIBLE_DEVICES=''."
        ) from error
    free, whole = torch.cuda.mem_get_info(device)
    if total != 8:
        raise DaugError(f"{torch.cuda.get_device_name(device)} computes wrongly. Restart it.")
    return f"{torch.cuda.get_device_name(device)}, {free / GIB:.0f} of {whole / GIB:.0f} GiB free"


def _name(need: str) -> str:
    """Return "torch" of "torch>=2.11"; packaging itself may be what is missing."""
    return re.split(r"[^\w.-]", need, maxsplit=1)[0]


def _module_of(distribution: str) -> str:
    """Return the module that a distribution is imported as: "PIL" for "pillow"."""
    plain = _plain(distribution)
    modules = [
        module
        for module, owners in _packages().items()
        if plain in map(_plain, owners) and module.isidentifier() and not module.startswith("_")
    ]
    return next((m for m in modules if _plain(m) == plain), min(modules, default=plain))


@cache
def _packages() -> Mapping[str, Sequence[str]]:
    return importlib.metadata.packages_distributions()  # looks at every file that pip installed


def _plain(name: str) -> str:
    return name.lower().replace("-", "_").replace(".", "_")
