"""Telling the server worker that there is something to do.

The row is the truth and the message only a nudge: one that is lost is sent again by `services.take_up_again`, so a
broker that is away costs time and nothing else.
"""

import logging
from functools import partial

from django.db import transaction

from config.celery import NOT_SENT, send_now

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
    try:
        send_now(task, args=[row_id], queue="server", expires=expires)
    except NOT_SENT as error:
        logger.warning("The broker did not take %s(%s); it is sent again later: %s", task, row_id, error)
