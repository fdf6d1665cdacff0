"""What a rank's training seconds went into, added up: what the planner learns from (`jobs/planning`)."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from training.step import Step


class Spent:
    def __init__(self) -> None:
        self._steps = self._samples = 0
        self._working = self._waiting = self._looking = self._saving = 0.0

    def step(self, step: Step, samples: int) -> None:
        """A step in which this rank had so many samples. The first one is left out: it chooses kernels."""
        if not self._steps:
            self._steps = 1
            return
        self._steps += 1
        self._samples += samples
        self._waiting += step.wait_seconds
        self._working += step.seconds - step.wait_seconds

    @contextmanager
    def looking(self) -> Iterator[None]:
        """At the validation split."""
        began = time.monotonic()
        yield
        self._looking += time.monotonic() - began

    @contextmanager
    def saving(self) -> Iterator[None]:
        began = time.monotonic()
        yield
        self._saving += time.monotonic() - began

    def facts(self) -> dict[str, Any]:
        """working_seconds and waiting_seconds of `counted_steps` steps with so many `own_samples`; seconds of
        looks at the validation split and of saves."""
        return {
            "counted_steps": max(0, self._steps - 1),
            "own_samples": self._samples,
            "working_seconds": round(self._working, 4),
            "waiting_seconds": round(self._waiting, 4),
            "looking_seconds": round(self._looking, 4),
            "saving_seconds": round(self._saving, 4),
        }
