"""`daug train all`: every stage in turn, those that are done left as they are."""

import gc
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from filelock import FileLock, Timeout

from daug.errors import TrainingError
from trainers.processes import join_processes
from trainers.reproduction.checks import check_order, refuse_missing_images
from trainers.reproduction.drawing_stages import drawing_stages
from trainers.reproduction.licences import Licences
from trainers.reproduction.order import DrawFigure, Order
from trainers.reproduction.space import check_space
from trainers.reproduction.stage import Stage
from trainers.reproduction.state import STATE_FOLDER, State
from trainers.reproduction.table_stages import table_stages

logger = logging.getLogger(__name__)

LOCK_FILE = "all.lock"


def train_all(
    order: Order, draw: DrawFigure, begin: Callable[[Path], None] = lambda _: None
) -> dict[str, Any]:
    """Do whatever is not done yet, and return what was done, as JSON values.

    Args:
        order: What is asked for.
        draw: Draws Figure 2.
        begin: Called with the folder once it is known that everything can start, as the log is.

    Raises:
        ManifestError: If the manifest cannot be trained on, or its licences are against it.
        TrainingError: If the folder was begun for something else, another process is at work in
            it, its disk is too small, or it was interrupted; the same command then goes on.
        BundleError: If pretrained weights or a segmenter that was asked for cannot be had.
    """
    _refuse_processes()
    checked, state = check_order(order), State(order.folder)
    refuse_missing_images(order, checked.rows)
    check_space(order, checked.rows)
    licences = checked.licences
    _make_folder(order.folder)
    begin(order.folder)
    try:
        with FileLock(order.folder / LOCK_FILE, blocking=False):
            state.keep_plan(order.settings())
            for warning in licences.warnings:
                logger.warning("%s", warning)
            done = [_do(stage, state) for stage in stages_of(order, licences, draw)]
    except Timeout as error:
        raise TrainingError(
            f"Another process is at work in {order.folder}. Wait for it, or name another folder."
        ) from error
    return {"results": str(order.parts.results), "bundle": str(order.parts.bundle), "stages": done}


def stages_of(order: Order, licences: Licences, draw: DrawFigure) -> list[Stage]:
    """Return all stages in their order."""
    sources = licences.sources
    return [*drawing_stages(order, sources), *table_stages(order, sources, draw)]


def _do(stage: Stage, state: State) -> dict[str, Any]:
    why = state.why_not_done(stage)
    if why is None:
        logger.info("%s: done before", stage.name)
        return {"stage": stage.name, "done": "before"}
    logger.info("%s: %s (%s)", stage.name, stage.says, why)
    state.make_room(stage)
    began = time.monotonic()
    try:
        found = stage.make()
    except KeyboardInterrupt as error:
        raise TrainingError(
            f"Interrupted during {stage.name}. The same command goes on from there."
        ) from error
    seconds = time.monotonic() - began
    state.keep(stage, found, seconds)
    _free_memory()
    return {"stage": stage.name, "done": "now", "seconds": round(seconds, 1)}


def _make_folder(folder: Path) -> None:
    try:
        (folder / STATE_FOLDER).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TrainingError(
            f"{folder} cannot be written to ({error.strerror}). Name another folder."
        ) from error


def _refuse_processes() -> None:
    join_processes()
    if PartialState().num_processes > 1:
        raise TrainingError(
            "Everything is done by one process here. Start `daug train all` without accelerate."
        )


def _free_memory() -> None:
    """Give back what the networks of a stage held, so that the next has the whole device."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
