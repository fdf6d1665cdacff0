"""Running a piece of work in its child process while its row says how far it is."""

import time
from collections.abc import Callable
from typing import Any

from celery.worker import state as worker_state

from contract.problems import gettext_noop
from recipes.sandbox import outside
from recipes.sandbox.outside import Answer, Limits

WRITE_EVERY_S = 0.5
MOST_CRASHES = 20
CRASHED = gettext_noop("Reading the file ended the process that read it.")


def follow(target: str, request: dict[str, Any], note: Callable[[float], bool], limits: Limits) -> Answer:
    """Run `target` until it answers. `note(progress)` writes to the row, twice a second at most, and says whether
    the work is still wanted. An item that kills its reader is left out the next time, as unreadable.
    """
    skip: dict[str, str] = {}
    while True:
        follower = _Follower(note)
        answer = outside.run(
            target,
            {**request, "skip": skip},
            limits=limits,
            on_progress=follower.progress,
            keep_going=follower.keep_going,
        )
        if not answer.died or not answer.at or answer.at in skip or len(skip) >= MOST_CRASHES:
            return answer
        skip[answer.at] = CRASHED


def server_is_stopping() -> bool:
    """The worker was told to end; its work is left for the next one."""
    told = (worker_state.should_stop, worker_state.should_terminate)
    return any(code is not None and code is not False for code in told)  # exit code 0 is an order too


class _Follower:
    def __init__(self, note: Callable[[float], bool]):
        self._note = note
        self._part = 0.0
        self._written = 0.0
        self._wanted = True

    def progress(self, part: float) -> None:
        self._part = part

    def keep_going(self) -> bool:
        now = time.monotonic()
        if now - self._written >= WRITE_EVERY_S:
            self._written = now
            self._wanted = self._note(self._part)
        return self._wanted and not server_is_stopping()
