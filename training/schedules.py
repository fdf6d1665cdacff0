"""Learning rate schedules as pure functions of the step, so that a resumed run needs no state of them.

Names, shapes and arguments are those of Hugging Face's `get_scheduler`.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Course:
    """`base`: the highest rate. `more`: what `lr_scheduler_kwargs` says."""

    base: float
    warmup_steps: int
    total_steps: int
    more: Mapping[str, float] = field(default_factory=dict)

    def done(self, before: int) -> float:
        """Share of the steps after the warm-up that lie before this one, 0 to 1."""
        share = (before - self.warmup_steps) / max(1, self.total_steps - self.warmup_steps)
        return min(1.0, max(0.0, share))


def learning_rate(name: str, step: int, course: Course) -> float:
    """The rate of optimizer step `step` (from 1): a linear rise over the warm-up, then the schedule."""
    before = step - 1
    if name != "constant" and before < course.warmup_steps:
        return course.base * before / course.warmup_steps
    return course.base * SCHEDULES[name](course, before)


def _cosine(course: Course, before: int) -> float:
    return 0.5 * (1.0 + math.cos(math.pi * course.done(before)))


def _cosine_with_restarts(course: Course, before: int) -> float:
    done = course.done(before)
    return 0.5 * (1.0 + math.cos(math.pi * (course.more.get("num_cycles", 1) * done % 1.0))) if done < 1.0 else 0.0


def _polynomial(course: Course, before: int) -> float:
    end = course.more.get("lr_end", 1e-7) / course.base if course.base else 0.0
    return (1.0 - end) * (1.0 - course.done(before)) ** course.more.get("power", 1.0) + end


def _inverse_sqrt(course: Course, before: int) -> float:
    timescale = course.more.get("timescale") or course.warmup_steps or 10_000
    return math.sqrt(timescale / (before + timescale - course.warmup_steps))


SCHEDULES: dict[str, Callable[[Course, int], float]] = {
    "constant": lambda course, before: 1.0,
    "constant_with_warmup": lambda course, before: 1.0,
    "linear": lambda course, before: 1.0 - course.done(before),
    "cosine": _cosine,
    "cosine_with_restarts": _cosine_with_restarts,
    "polynomial": _polynomial,
    "inverse_sqrt": _inverse_sqrt,
}
"""the factor of the rate after the warm-up; `before`: steps before this one"""
