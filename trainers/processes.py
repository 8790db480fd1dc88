"""One training in several processes: how they find each other, and who of them speaks.

Start them with accelerate, one process for each GPU, or two or more on the CPU alone:

    accelerate launch --multi_gpu --num_processes 2 app.py train diffusion ...

(`--cpu --num_processes 2` starts a single process: accelerate's CPU launcher needs MPI for more.)
"""

import logging
import os
import sys
from pathlib import Path

import torch
from accelerate import Accelerator, PartialState

from daug.precision import has_fast_bf16


def join_processes() -> PartialState:
    """Meet the other processes of this training, if there are any, and let only one speak."""
    processes = PartialState(cpu=_on_cpu())
    if not processes.is_main_process:
        logging.getLogger(__package__).setLevel(logging.CRITICAL)
        # They share one standard output, and results stand there once.
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 - as long as the process lives
    return processes


def make_accelerator() -> Accelerator:
    """Return what moves models to their device, and gradients between processes."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return Accelerator(
        cpu=_on_cpu(),
        mixed_precision="bf16" if has_fast_bf16(device) else "no",
    )


def _on_cpu() -> bool:
    """Said outright, since accelerate lets CPU processes run unconnected if it is not."""
    return not torch.accelerator.is_available()
