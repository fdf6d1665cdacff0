"""Asks control to place waiting jobs now: the first second of a job would be spent waiting for its next tick.

A message that is lost, or a broker that is away, costs that second and nothing else.
"""

import logging
import time
from functools import partial

from django.db import transaction
from kombu import Connection
from kombu.exceptions import OperationalError

from config.celery import WITHOUT_PATIENCE, app

TASK = "jobs.tasks.place"
OPTIONS = {"queue": "control", "expires": 2, "retry": False, "ignore_result": True}
log = logging.getLogger(__name__)


def control_after_commit() -> None:
    """Once what is written now can be seen."""
    transaction.on_commit(partial(_ask, time.time()), robust=True)


def _ask(at: float) -> None:
    try:
        with Connection(app.conf.broker_url, transport_options=WITHOUT_PATIENCE) as connection:
            app.send_task(TASK, args=[at], connection=connection, **OPTIONS)
    except (OperationalError, OSError, TimeoutError) as error:
        log.info("control was not asked, its next tick will do: %s", error)
