"""The beat of control. One reconciler a process; whoever calls while a tick runs goes away again."""

import threading
import time

from celery import shared_task

from jobs import checkpoint_sweep, clock, invariants, scheduling
from jobs.reconciler import Reconciler

_reconciler = Reconciler()
_busy = threading.Lock()
_placed_at = 0.0
"""Unix seconds of the last round that was asked for"""


@shared_task(name="jobs.tasks.tick", ignore_result=True)
def tick() -> None:
    tick_now()


@shared_task(name="jobs.tasks.place", ignore_result=True)
def place(asked_at: float) -> None:
    """Give waiting jobs their devices now, unless that was done since somebody asked (`waking.py`)."""
    global _placed_at
    with _busy:
        if _placed_at < asked_at:
            _placed_at = time.time()
            scheduling.round(clock.now())


@shared_task(name="jobs.tasks.sweep", ignore_result=True)
def sweep() -> None:
    """Make room: checkpoints on the server that nobody needs any more."""
    checkpoint_sweep.sweep()


@shared_task(name="jobs.tasks.check_promises", ignore_result=True)
def check_promises() -> None:
    """Asked for on the system page; done by the server worker, for it may take a while."""
    invariants.check_and_remember()


def tick_now() -> bool:
    """Do one tick unless one is running in this process; whether it was done."""
    if not _busy.acquire(blocking=False):
        return False
    try:
        _reconciler.tick(clock.now())
    finally:
        _busy.release()
    return True


def seconds_since_tick() -> float | None:
    """How long ago this process ticked last, None when it never did."""
    return _reconciler.pulse.since_last()
