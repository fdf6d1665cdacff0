"""Points of one batch on their way into frames: each once, whatever a sender repeats."""

from dataclasses import dataclass, field

import numpy as np

from contract import events
from jobs.metrics import heads
from jobs.metrics.pack import arrays, pack
from jobs.metrics.points import Points
from jobs.metrics.stored import stored_mask, waits_for_withdrawal
from jobs.models import Attempt, Frame, Head


@dataclass
class Accepting:
    """Takes the frames of one batch of `head`'s rank. The caller holds the job and the head, calls `add` for each
    reported frame, then `finish`, and saves the head."""

    attempt: Attempt
    head: Head
    batch: int
    seq: int
    rows: list[Frame] = field(default_factory=list)
    """not yet in the table"""
    groups: int = 0
    taken: list[tuple[str, Points]] = field(default_factory=list)
    """(key, points) of what was new"""

    def __post_init__(self) -> None:
        self.waits = waits_for_withdrawal(self.attempt)

    def add(self, reported: events.Frame) -> None:
        """Store what is new of one reported frame: in one row when all of it is, which is nearly always."""
        steps, times, columns = arrays(reported)
        keys_of_mask: dict[bytes, list[str]] = {}
        for key in columns:
            keys_of_mask.setdefault(self._new_ones(key, steps).tobytes(), []).append(key)
        for mask, keys in keys_of_mask.items():
            kept = np.frombuffer(mask, bool)
            if kept.any():
                self._add_row({key: Points(steps[kept], times[kept], columns[key][kept]) for key in keys})

    def finish(self) -> None:
        Frame.objects.bulk_create(self.rows)
        self.rows = []

    def _new_ones(self, key: str, steps: np.ndarray) -> np.ndarray:
        """Steps beyond the high-water mark are new; the slow path asks for the others whether they are there."""
        known = -1 if self.waits else heads.mark(self.head, key)
        if steps[0] > known and not self.waits:
            return np.ones(len(steps), bool)
        self.finish()
        stored = stored_mask(self.attempt, self.head.rank, key, steps)
        self.head.repeated += int(stored.sum())
        self.head.late += int((~stored & (steps <= known)).sum())
        return ~stored

    def _add_row(self, columns: dict[str, Points]) -> None:
        one = next(iter(columns.values()))
        self.rows.append(
            Frame(
                job_id=self.attempt.job_id,
                attempt=self.attempt,
                rank=self.head.rank,
                batch=self.batch,
                group=self.groups,
                seq=self.seq,
                keys=list(columns),
                count=len(one),
                first_step=int(one.steps[0]),
                last_step=int(one.steps[-1]),
                data=pack(one.steps, one.times, [points.values for points in columns.values()]),
            )
        )
        self.groups += 1
        for key, points in columns.items():
            self.taken.append((key, points))
            if not self.waits:
                heads.advance(self.head.keys, key, points)
