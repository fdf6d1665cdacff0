"""Reads the spool of a rank: batches as lines, line n is batch n, the last one perhaps not whole yet."""

import contextlib
import os
import time
from array import array
from pathlib import Path

from contract.events import Batch, LogLine
from contract.logs import readable

READ_BYTES = 1 << 20


class SpoolReader:
    """Knows where each whole line begins, so that any batch can be read again after a reconnect."""

    def __init__(self, path: Path):
        self.path = path
        self.starts = array("Q", [0])
        """byte at which batch 1, 2, … begins; the last entry is the end of the last whole line"""

    @property
    def last_batch(self) -> int:
        """Number of the last whole batch, as of the last look."""
        return len(self.starts) - 1

    def look(self) -> int:
        """Find lines that were written since the last look; answers `last_batch`."""
        with contextlib.suppress(FileNotFoundError), open(self.path, "rb") as file:
            position = file.seek(self.starts[-1])
            while block := file.read(READ_BYTES):
                at = block.find(b"\n")
                while at >= 0:
                    self.starts.append(position + at + 1)
                    at = block.find(b"\n", at + 1)
                position += len(block)
        return self.last_batch

    def lines(self, first: int, limit: int) -> list[bytes]:
        """Whole batches from number `first` on, together at most `limit` bytes, but at least one when there is one."""
        if first > self.last_batch:
            return []
        last = first
        while last < self.last_batch and self.starts[last + 1] - self.starts[first - 1] <= limit:
            last += 1
        with open(self.path, "rb") as file:
            file.seek(self.starts[first - 1])
            return file.read(self.starts[last] - self.starts[first - 1]).splitlines()


def append_log(path: Path, texts: list[str], level: str) -> int:
    """Add log lines as one more batch, once the rank that wrote the spool is gone; the number of the last batch.

    A line that the rank did not finish is cut off first: it was never a batch.
    """
    reader = SpoolReader(path)
    number = reader.look() + bool(texts)
    if texts:
        now = time.time()
        batch = Batch(number, now, log=[LogLine(now, level, text) for text in texts])
        with open(path, "ab") as file:
            file.truncate(reader.starts[-1])
            file.write(batch.to_line().encode())
            file.flush()
            os.fsync(file.fileno())
    return number


def last_lines(path: Path, count: int, width: int = 2000) -> list[str]:
    """The last lines of a log as people read it, cut to `width` characters; [] when there is none."""
    try:
        with open(path, "rb") as file:
            begin = max(0, file.seek(0, os.SEEK_END) - count * width)
            file.seek(begin)
            lines = file.read().decode("utf-8", "replace").splitlines()[1 if begin else 0 :]
    except FileNotFoundError:
        return []
    shown = [part for line in lines for part in readable(line).splitlines()]
    return [line[:width] for line in shown if line.strip()][-count:]
