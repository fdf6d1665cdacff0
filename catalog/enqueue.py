"""Telling the server worker that there is something to do.

The row is the truth and the message only a nudge: one that is lost is sent again by `services.take_up_again`, so a
broker that is away costs time and nothing else.
"""

import logging
from functools import partial

from django.db import transaction
from kombu import Connection
from kombu.exceptions import OperationalError

from config.celery import WITHOUT_PATIENCE, app

logger = logging.getLogger(__name__)
EXPIRES_S = 20
"""a busy worker finds no pile of old nudges: rows that still wait are sent again"""


def import_after_commit(dataset_id: int) -> None:
    transaction.on_commit(partial(_send, "catalog.tasks.import_dataset", dataset_id))


def build_after_commit(prepared_id: int) -> None:
    transaction.on_commit(partial(_send, "catalog.tasks.build_prepared", prepared_id))


def sweep_after_commit(dataset_id: int) -> None:
    transaction.on_commit(partial(_send, "catalog.tasks.sweep_removed", dataset_id, expires=3600))


def import_model_after_commit(model_id: int) -> None:
    transaction.on_commit(partial(_send, "catalog.base_models.tasks.import_model", model_id))


def sweep_model_after_commit(model_id: int) -> None:
    transaction.on_commit(partial(_send, "catalog.base_models.tasks.sweep_removed", model_id, expires=3600))


def _send(task: str, row_id: int, expires: int = EXPIRES_S) -> None:
    options = {"queue": "server", "expires": expires, "retry": False, "ignore_result": True}
    try:
        with Connection(app.conf.broker_url, transport_options=WITHOUT_PATIENCE) as connection:
            app.send_task(task, args=[row_id], connection=connection, **options)
    except (OperationalError, OSError, TimeoutError) as error:
        logger.warning("The broker did not take %s(%s); it is sent again later: %s", task, row_id, error)
