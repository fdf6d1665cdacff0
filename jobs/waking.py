"""Asks control to place waiting jobs now: the first second of a job would be spent waiting for its next tick.

A message that is lost, or a broker that is away, costs that second and nothing else.
"""

import logging
import time
from functools import partial

from django.db import transaction

from config.celery import NOT_SENT, send_now

TASK = "jobs.tasks.place"
EXPIRES_S = 2
log = logging.getLogger(__name__)


def control_after_commit() -> None:
    """Once what is written now can be seen."""
    transaction.on_commit(partial(_ask, time.time()), robust=True)


def _ask(at: float) -> None:
    try:
        send_now(TASK, args=[at], queue="control", expires=EXPIRES_S)
    except NOT_SENT as error:
        log.info("control was not asked, its next tick will do: %s", error)
