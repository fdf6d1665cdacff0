"""Doorbells: a Celery message that asks a device to look. It carries ids only; losing it costs a poll, not a job."""

import logging
import time
from collections.abc import Iterable
from typing import Any

from config.celery import NOT_SENT, WITHOUT_PATIENCE, send_now
from contract import logs
from contract.timing import DOORBELL_EXPIRES_S
from devices.broker import key_prefix

TASK = "agent.doorbell"
LONGEST_S = 1.0
log = logging.getLogger(__name__)


def ring(device_ids: Iterable[int], payload: dict[str, Any]) -> int:
    """Send `payload` to the queue of each device; how many were sent. Takes at most about a second and never raises.

    Call it from `transaction.on_commit`: the row that explains the ring must be there before the device looks.
    """
    with logs.about(**{name: payload[name] for name in logs.IDS if name in payload}):
        return _ring_all(list(device_ids), payload)


def _ring_all(wanted: list[int], payload: dict[str, Any]) -> int:
    sent, deadline = 0, time.monotonic() + LONGEST_S
    for device_id in wanted:
        left = deadline - time.monotonic()
        if left <= 0 or not _ring_one(device_id, payload, left):
            log.warning("%s of %s doorbells were not sent: the devices poll", len(wanted) - sent, len(wanted))
            break
        sent += 1
    return sent


def _ring_one(device_id: int, payload: dict[str, Any], seconds: float) -> bool:
    timeouts = {"socket_timeout": seconds, "socket_connect_timeout": seconds}
    transport = WITHOUT_PATIENCE | timeouts | {"global_keyprefix": key_prefix(device_id)}
    queue = f"device.{device_id}"
    try:
        send_now(TASK, transport=transport, kwargs=payload, queue=queue, expires=DOORBELL_EXPIRES_S)
    except NOT_SENT as error:
        log.warning("the broker did not take a doorbell for device %s: %s", device_id, error)
        return False
    return True
