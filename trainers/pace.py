"""How far a training has come, and how fast it learns there."""

import math

from trainers.problem import LoopSettings, Progress


def learning_rate_share(done: float, step: int, warmup_steps: int) -> float:
    """Return the share of the highest learning rate: a straight warm-up, then half a cosine.

    Args:
        done: Share of the training that is over, in [0, 1].
        step: Optimiser steps taken so far.
        warmup_steps: Steps of the warm-up.
    """
    warmup = min(1.0, (step + 1) / max(1, warmup_steps))
    return warmup * 0.5 * (1 + math.cos(math.pi * min(1.0, max(0.0, done))))


def share_done(settings: LoopSettings, progress: Progress) -> float:
    """Return how much of the training is over, by steps or by time, whichever is further."""
    by_steps = progress.step / settings.steps if settings.steps else 0.0
    minutes = settings.budget_minutes
    by_time = progress.elapsed / (60 * minutes) if minutes else 0.0
    return max(by_steps, by_time)
