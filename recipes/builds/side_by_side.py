"""Pieces of work in several processes; answers in the order of the pieces, whoever is done first.

Each process is forked from this one, so it inherits the limits of the sandbox and needs nothing sent to it. A piece
goes to the process whose turn it is: nothing about the result hangs on how many there are.
"""

import json
import mmap
import os
import signal
import struct
import traceback
from collections.abc import Callable, Iterator, Sequence

from recipes.builds.batch import Batch
from recipes.sandbox.confine import die_with_parent
from recipes.sandbox.inside import Refused

At = Callable[[int, str], None]
Make = Callable[[Sequence[int], At], Batch]
BATCH, REFUSED, NO_MEMORY = b"b", b"r", b"m"
"""what a process says before its answer"""


def in_order(
    make: Make, pieces: list[Sequence[int]], processes: int, at: At, name_of: Callable[[int], str]
) -> Iterator[Batch]:
    """`make` of each piece. `at` is told what item a process was at, so that a death can be blamed on it."""
    processes = min(processes, len(pieces)) if hasattr(os, "fork") else 1
    if processes < 2:
        for piece in pieces:
            yield make(piece, at)
        return
    workers = [_Worker(make, pieces[number::processes]) for number in range(processes)]
    try:
        for number in range(len(pieces)):
            worker = workers[number % processes]
            if (batch := worker.next()) is None:
                at(worker.item, name_of(worker.item))
                worker.die_likewise()
            else:
                yield batch
    finally:
        for worker in workers:
            worker.end()


class _Worker:
    """A process that makes its pieces one after the other and waits until each is taken."""

    def __init__(self, make: Make, pieces: list[Sequence[int]]):
        self._place = mmap.mmap(-1, 8)
        parent = os.getpid()
        ours, theirs = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            os.close(ours)
            _work(make, pieces, theirs, self._place, parent)
        os.close(theirs)
        self._pipe = os.fdopen(ours, "rb")

    @property
    def item(self) -> int:
        """What the process is at, or was when it died."""
        return struct.unpack("<q", self._place[:8])[0]

    def next(self) -> Batch | None:
        """The next batch; None when the process died. Raises what the process raised, if the user can act on it."""
        head = self._pipe.read(9)
        size = struct.unpack("<Q", head[1:])[0] if len(head) == 9 else 0
        data = self._pipe.read(size)
        if len(head) < 9 or len(data) < size:
            return None
        if head[:1] == NO_MEMORY:
            raise MemoryError
        if head[:1] == REFUSED:
            told = json.loads(data)
            raise Refused(told["sentence"], **told["params"])
        return Batch.from_bytes(data)

    def die_likewise(self) -> None:
        _, status = os.waitpid(self.pid, 0)
        if os.WIFSIGNALED(status):
            os.kill(os.getpid(), os.WTERMSIG(status))
        raise ChildProcessError("a process that makes prepared data ended without an answer")

    def end(self) -> None:
        self._pipe.close()
        try:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        except (ProcessLookupError, ChildProcessError):
            return  # it has ended, and was waited for


def _work(make: Make, pieces: list[Sequence[int]], pipe: int, place: mmap.mmap, parent: int) -> None:
    """The whole life of a process; never returns."""
    code = 1
    try:
        die_with_parent(parent)

        def at(number: int, name: str) -> None:
            place[:8] = struct.pack("<q", number)

        with os.fdopen(pipe, "wb") as out:
            for piece in pieces:
                kind, data = _answer(make, piece, at)
                out.write(kind + struct.pack("<Q", len(data)) + data)
                out.flush()
        code = 0
    except BaseException:
        traceback.print_exc()  # this process has its parent's standard error
    finally:
        os._exit(code)


def _answer(make: Make, piece: Sequence[int], at: At) -> tuple[bytes, bytes]:
    try:
        return BATCH, make(piece, at).to_bytes()
    except MemoryError:
        return NO_MEMORY, b""
    except Refused as refused:
        return REFUSED, json.dumps({"sentence": refused.sentence, "params": refused.params}).encode()
