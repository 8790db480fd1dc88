"""Checkpoints that are whole or not there, each sealed with digests, the last two kept."""

import json
import logging
import pickle
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list
from safetensors import SafetensorError

from daug.bundle import file_digest
from daug.errors import TrainingError

logger = logging.getLogger(__name__)

KEPT = 2
OWN_FILE = "training.pt"  # what accelerate does not know: averaged weights, progress
DIGESTS_FILE = "digests.json"  # SHA-256 of every other file; written last
# What torch was seen to raise on weights of another shape, and on a pickle that is none of ours.
DOES_NOT_FIT = (KeyError, RuntimeError, ValueError, pickle.UnpicklingError)
CANNOT_WRITE = (OSError, RuntimeError, SafetensorError)  # what was seen on a full disk


class Stateful(Protocol):
    """Something that a checkpoint can hold."""

    def state_dict(self) -> dict[str, Any]:
        """Return all that is needed to go on."""
        ...

    def load_state_dict(self, state_dict: dict[str, Any], /) -> None:
        """Go on from there."""
        ...


class Checkpoints:
    """The checkpoints of one run: model, optimiser, averaged weights, random state, progress."""

    def __init__(
        self, folder: Path, accelerator: Accelerator, own: Mapping[str, Stateful] | None = None
    ) -> None:
        """Look after a folder.

        Args:
            folder: For the checkpoints; made when the first is written.
            accelerator: Holds model and optimiser.
            own: What else belongs to a checkpoint, by its name.
        """
        self.folder, self.accelerator, self.own = folder, accelerator, own or {}
        self._held: int | None = None  # the step whose checkpoint this process wrote or read last

    def steps(self) -> list[int]:
        """Return the steps that a whole checkpoint was written at, rising."""
        numbers = (path.name.removeprefix("step-") for path in self.folder.glob("step-*"))
        return sorted(int(number) for number in numbers if number.isdecimal())

    def save(self, step: int) -> None:
        """Write a checkpoint beside the others, then let it appear under its name at once.

        Raises:
            TrainingError: If it cannot be written; the earlier ones are untouched.
        """
        if step == self._held:
            return
        partial = self._partial(step)
        if self.accelerator.is_main_process:
            shutil.rmtree(partial, ignore_errors=True)
        self.accelerator.wait_for_everyone()
        try:
            self.accelerator.save_state(str(partial))
            self.accelerator.wait_for_everyone()
            if self.accelerator.is_main_process:
                self._seal(partial)
                self._show(partial, step)
        except CANNOT_WRITE as error:
            raise TrainingError(
                f"The checkpoint of step {step} cannot be written to {self.folder} ({error}). "
                "Make room on the disk, then go on with --resume from the one before."
            ) from error
        self._held = step

    def restore(self) -> None:
        """Load the newest checkpoint that is whole, and put damaged newer ones aside.

        Raises:
            TrainingError: If there is none, or it is of another network.
        """
        found = [self._newest_whole() if self.accelerator.is_main_process else None]
        step = broadcast_object_list(found)[0]
        if step is None:
            raise TrainingError(
                f"{self.folder.parent.name} has no checkpoint that can be read. "
                "Start it anew without --resume."
            )
        path = self._path(step)
        try:
            self.accelerator.load_state(str(path))
            device = self.accelerator.device
            own = torch.load(path / OWN_FILE, map_location=device, weights_only=True)
            for name, part in self.own.items():
                part.load_state_dict(own[name])
        except DOES_NOT_FIT as error:
            reason = str(error).partition("\n")[0]
            raise TrainingError(
                f"{self.folder.parent.name} seems to hold the training of another network "
                f"({reason}). Resume it with the preset that it was begun with."
            ) from error
        self._held = step

    def _newest_whole(self) -> int | None:
        for step in reversed(self.steps()):
            damage = find_damage(self._path(step))
            if damage is None:
                return step
            logger.warning(
                "checkpoint of step %d is damaged: %s. The one before it is used.", step, damage
            )
            # Under its name it would count as one of the two that are kept.
            shutil.rmtree(self._partial(step), ignore_errors=True)
            self._path(step).rename(self._partial(step))
        return None

    def _seal(self, partial: Path) -> None:
        torch.save({name: part.state_dict() for name, part in self.own.items()}, partial / OWN_FILE)
        digests = {
            str(path.relative_to(partial)): file_digest(path)
            for path in sorted(partial.rglob("*"))
            if path.is_file()
        }
        text = json.dumps(digests, indent=2)
        (partial / DIGESTS_FILE).write_text(text + "\n", encoding="utf-8")

    def _show(self, partial: Path, step: int) -> None:
        partial.rename(self._path(step))
        for old in self.steps()[:-KEPT]:
            self._path(old).rename(self._partial(old))  # half of one must not bear its name
        for cut_off in self.folder.glob("partial-*"):
            shutil.rmtree(cut_off)

    def _path(self, step: int) -> Path:
        return self.folder / f"step-{step:08d}"

    def _partial(self, step: int) -> Path:
        return self.folder / f"partial-{step:08d}"


def find_damage(checkpoint: Path) -> str | None:
    """Return what is wrong with a checkpoint's files in a few words, or None.

    Digests are needed for that: a flipped byte in a weight is read back without a complaint.
    """
    try:
        digests: dict[str, str] = json.loads((checkpoint / DIGESTS_FILE).read_text("utf-8"))
        changed = [name for name in digests if file_digest(checkpoint / name) != digests[name]]
    except FileNotFoundError as error:
        return f"{Path(str(error.filename)).name} is missing"
    except (OSError, ValueError, AttributeError, TypeError) as error:
        return f"it cannot be read ({error})"
    if changed:
        return f"{', '.join(changed)} differ from what was written"
    return None if OWN_FILE in digests else f"{DIGESTS_FILE} does not list {OWN_FILE}"
