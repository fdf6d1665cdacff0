"""The rank's sign of life, `progress.json`: written by the main thread only, so that a rank that hangs shows none."""

import contextlib
import errno
import json
import os
import time
from dataclasses import asdict
from pathlib import Path

from contract.agent_calls import Progress

WRITE_EVERY_S = 0.25
FIRST_STEP_S = 30.0
"""memory is touched, kernels are chosen, lazy parts load"""
STEPS_REMEMBERED = 50


class SignOfLife:
    """Says in which stage, at which step and doing what the rank is, and within how long it will say so again."""

    def __init__(self, path: Path):
        self._path = path
        self._temporary = path.with_name(f"{path.name}.tmp-{os.getpid()}")
        self._stage, self._step, self._activity, self._budget = "", 0, "", FIRST_STEP_S
        self._written_at = 0.0
        self._step_seconds: list[float] = []

    def enter(self, stage: str, budget: float, activity: str = "") -> None:
        """A part begins whose next sign comes within `budget` seconds. Written at once."""
        self._stage, self._budget, self._activity = stage, budget, activity
        self._write(time.monotonic())

    def touch(self) -> None:
        """Still here."""
        now = time.monotonic()
        if now - self._written_at >= WRITE_EVERY_S:
            self._write(now)

    def step(self, step: int, seconds: float) -> None:
        """Optimizer step `step` is done and took `seconds`; the next is due within 3 × p95 of the last ones."""
        self._step = step
        self._step_seconds.append(seconds)
        now = time.monotonic()
        if now - self._written_at >= WRITE_EVERY_S:
            recent = self._step_seconds = self._step_seconds[-STEPS_REMEMBERED:]
            self._budget = max(1.0, 3 * sorted(recent)[int(0.95 * (len(recent) - 1))])
            self._write(now)

    def at(self, step: int) -> None:
        """Set the step without a sign, for a run that goes on from `step`."""
        self._step = step

    def _write(self, now: float) -> None:
        sign = Progress(self._stage, self._step, now, self._budget, self._activity)
        text = json.dumps(asdict(sign)).encode()
        try:
            self._temporary.write_bytes(text)
            os.replace(self._temporary, self._path)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            self._write_over(text)
        self._written_at = now

    def _write_over(self, text: bytes) -> None:
        """The disk is full: write over what is there, which takes no space; blanks make up for what was longer."""
        with contextlib.suppress(OSError), open(self._path, "r+b") as file:
            file.write(text.ljust(os.fstat(file.fileno()).st_size))
