"""What a rank has to say, into its spool: points, log lines and events as numbered batches.

A call in the training loop only appends to a column in memory (under 1 µs). A thread writes what is there as one batch
every BATCH_S, and at once when nothing was said for QUIET_S. Values may be tensors of one element: the thread turns
them into numbers, so that the loop never waits for a GPU.
"""

import errno
import os
import threading
import time
from collections import deque
from pathlib import Path
from typing import Any

from contract.events import Batch, Event, EventType, Frame, LogLine
from contract.faults import fault
from contract.timing import BATCH_S

QUIET_S = 0.5
NO_SPACE_S = 60.0
"""a full disk is waited for so long before the rank gives up; nothing is lost meanwhile"""
TRY_AGAIN_S = 0.5


class Series:
    """Points of several keys that come together, such as all `train/…` values of a step."""

    def __init__(self, keys: tuple[str, ...], wake: threading.Event):
        self.keys = keys
        self._rows: deque[tuple[int, float, tuple]] = deque()
        self._wake = wake

    def add(self, step: int, *values: Any) -> None:
        """One value per key at `step`: numbers, or tensors of one element that are not written to any more."""
        self._rows.append((step, time.time(), values))
        if not self._wake.is_set():
            self._wake.set()

    def take(self) -> Frame | None:
        """What was added since the last time. A deque, because rows are added meanwhile."""
        steps, times, rows = [], [], []
        while self._rows:
            step, at, values = self._rows.popleft()
            steps.append(step)
            times.append(at)
            rows.append(values)
        if not steps:
            return None
        columns = zip(self.keys, zip(*rows, strict=True), strict=True)
        return Frame(steps, times, {key: [float(value) for value in column] for key, column in columns})


class Reporter:
    """Writes to `spool`, numbering on from what is there."""

    def __init__(self, spool: Path):
        self._file = os.open(spool, os.O_CREAT | os.O_RDWR | os.O_APPEND, 0o600)
        self._number = _whole_lines(self._file)
        self._wake = threading.Event()
        self._closed = threading.Event()
        self._writing = threading.Lock()
        self._failure: OSError | None = None
        self._stage_began = time.monotonic()
        self._series: list[Series] = []
        self._log: deque[LogLine] = deque()
        self._events: deque[Event] = deque()
        self._thread = threading.Thread(target=self._write_on, name="reporter", daemon=True)
        self._thread.start()

    @property
    def last_batch(self) -> int:
        return self._number

    def series(self, *keys: str) -> Series:
        """A place to add points for `keys`, to be kept by the caller."""
        series = Series(keys, self._wake)
        self._series.append(series)
        return series

    def log(self, text: str, level: str = "info") -> None:
        """A line for the user's log: info, warning or error."""
        self._log.append(LogLine(time.time(), level, text))
        self._wake.set()

    def event(self, kind: EventType, at_step: int = 0, /, **data: Any) -> None:
        """An event. Every point added before it is in its batch or an earlier one."""
        self._events.append(Event(str(kind), time.time(), at_step, data))
        self._wake.set()

    def stage(self, stage: str, state: str, at_step: int = 0, /, **proof: Any) -> None:
        """One of the four stages began or ended, with what it proved and how long it took."""
        if state == "began":
            self._stage_began = time.monotonic()
        else:
            proof["seconds"] = round(time.monotonic() - self._stage_began, 3)
        self.event(EventType.STAGE, at_step, stage=stage, state=state, **proof)

    def choice(self, what: str, chosen: str, reason: str) -> None:
        """A decision of the trainer that the user may want to know."""
        self.event(EventType.CHOICE, what=what, chosen=chosen, reason=reason)

    def raise_failure(self) -> None:
        """Raise what keeps the thread from writing, if anything does."""
        if self._failure:
            raise self._failure

    def flush(self) -> None:
        """Write what is there now."""
        with self._writing:
            self._write_batch()

    def close(self) -> None:
        """Write the rest and end the thread."""
        self._closed.set()
        self._wake.set()
        self._thread.join()
        if not self._failure:
            self.flush()

    def _write_on(self) -> None:
        written_at = 0.0
        while not self._closed.is_set() and not self._failure:
            self._wake.wait()
            since = time.monotonic() - written_at
            if since < QUIET_S:
                self._closed.wait(max(0.0, BATCH_S - since))
            self._wake.clear()
            try:
                self.flush()
            except OSError as error:
                self._failure = error
            written_at = time.monotonic()

    def _write_batch(self) -> None:
        events, log = _taken(self._events), _taken(self._log)  # before the points, see event()
        frames = [frame for series in self._series if (frame := series.take())]
        if frames or log or events:
            batch = Batch(self._number + 1, time.time(), frames, log, events)
            self._append(batch.to_line().encode())
            self._number += 1

    def _append(self, line: bytes) -> None:
        """The whole line or nothing of it, waiting for space."""
        end = os.fstat(self._file).st_size
        deadline = time.monotonic() + NO_SPACE_S
        while True:
            try:
                fault("spool.write")
                if os.write(self._file, line) == len(line):
                    return
                error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            except OSError as refusal:
                error = refusal
            os.ftruncate(self._file, end)
            if error.errno != errno.ENOSPC or time.monotonic() > deadline:
                raise error
            time.sleep(TRY_AGAIN_S)


class SilentReporter(Reporter):
    """Takes everything and writes nothing, for code that runs where nobody listens."""

    def __init__(self) -> None:
        super().__init__(Path(os.devnull))

    def _write_batch(self) -> None:
        _taken(self._events), _taken(self._log)
        for series in self._series:
            series.take()


def _taken(queue: deque) -> list:
    taken = []
    while queue:
        taken.append(queue.popleft())
    return taken


def _whole_lines(file: int) -> int:
    """How many batches the spool holds; a line that a crash left half-written is cut off."""
    lines, end, position = 0, 0, 0
    while chunk := os.pread(file, 1 << 20, position):
        lines += chunk.count(b"\n")
        if b"\n" in chunk:
            end = position + chunk.rindex(b"\n") + 1
        position += len(chunk)
    if end != position:
        os.ftruncate(file, end)
    return lines
