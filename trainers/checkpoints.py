"""Checkpoints that are whole or not there, the last two kept."""

import logging
import pickle
import shutil
from pathlib import Path

from accelerate import Accelerator
from safetensors import SafetensorError

from daug.errors import TrainingError

logger = logging.getLogger(__name__)

KEPT = 2
UNREADABLE = (  # what accelerate was seen to raise on files that are cut short or overwritten
    EOFError,
    KeyError,
    OSError,
    RuntimeError,
    SafetensorError,
    ValueError,
    pickle.UnpicklingError,
)


class Checkpoints:
    """The checkpoints of one run: model, optimiser, averaged weights, random state, progress."""

    def __init__(self, folder: Path, accelerator: Accelerator) -> None:
        self.folder, self.accelerator = folder, accelerator

    def steps(self) -> list[int]:
        """Return the steps that a whole checkpoint was written at, rising."""
        numbers = (path.name.removeprefix("step-") for path in self.folder.glob("step-*"))
        return sorted(int(number) for number in numbers if number.isdecimal())

    def save(self, step: int) -> None:
        """Write a checkpoint beside the others, then let it appear under its name at once."""
        partial, whole = self.folder / f"partial-{step:08d}", self._path(step)
        if whole.exists():
            return
        self.accelerator.save_state(str(partial))
        self.accelerator.wait_for_everyone()
        if self.accelerator.is_main_process:
            partial.replace(whole)
            for old in self.steps()[:-KEPT]:
                shutil.rmtree(self._path(old))
            for cut_off in self.folder.glob("partial-*"):
                shutil.rmtree(cut_off)

    def restore(self) -> None:
        """Load the newest checkpoint that can be read.

        Raises:
            TrainingError: If there is none.
        """
        for step in reversed(self.steps()):
            try:
                self.accelerator.load_state(str(self._path(step)))
            except UNREADABLE as error:
                logger.warning("checkpoint of step %d cannot be read: %s", step, error)
                continue
            return
        raise TrainingError(
            f"{self.folder.parent.name} has no checkpoint that can be read. "
            "Start it anew without --resume."
        )

    def _path(self, step: int) -> Path:
        return self.folder / f"step-{step:08d}"
