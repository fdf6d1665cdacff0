"""Learning rate schedules as pure functions of the step, so that a resumed run needs no state of them.

Names and shapes are those of Hugging Face's `get_scheduler`.
"""

import math
from collections.abc import Callable

SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": lambda done: 1.0,
    "constant_with_warmup": lambda done: 1.0,
    "linear": lambda done: 1.0 - done,
    "cosine": lambda done: 0.5 * (1.0 + math.cos(math.pi * done)),
}


def learning_rate(name: str, step: int, *, base: float, warmup_steps: int, total_steps: int) -> float:
    """The rate of optimizer step `step` (from 1): a linear rise over `warmup_steps`, then the schedule."""
    before = step - 1
    if name != "constant" and before < warmup_steps:
        return base * before / warmup_steps
    done = (before - warmup_steps) / max(1, total_steps - warmup_steps)
    return base * SCHEDULES[name](min(1.0, max(0.0, done)))
