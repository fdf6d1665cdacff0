"""The Celery app of the server: control (scheduling and repair), server work (imports), and doorbells to devices."""

import os
from typing import Any

from celery import Celery
from kombu import Connection
from kombu.exceptions import OperationalError

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from django.conf import settings

WITHOUT_PATIENCE = {"socket_timeout": 1, "socket_connect_timeout": 1, "retry_on_timeout": False, "max_retries": 0}
"""of a connection that a request waits for: Celery's own tries for 6 s (measured)"""
NOT_SENT = (OperationalError, OSError, TimeoutError)
"""what `send_now` raises when the broker did not take a message"""


def broker_address(url: str) -> str:
    """kombu's spelling of a Redis address on a Unix socket."""
    return "redis+socket://" + url.removeprefix("unix://") if url.startswith("unix://") else url


app = Celery("fleetune")
app.conf.update(
    broker_url=broker_address(settings.REDIS_URL),
    accept_content=["json"],
    task_serializer="json",
    task_ignore_result=True,
    task_default_queue="server",
    task_acks_late=False,
    worker_prefetch_multiplier=1,
    worker_enable_remote_control=False,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={"socket_timeout": 1, "socket_connect_timeout": 1},
    beat_schedule={
        "tick": {"task": "jobs.tasks.tick", "schedule": 1.0, "options": {"queue": "control", "expires": 2}},
        "sweep": {"task": "jobs.tasks.sweep", "schedule": 60.0, "options": {"queue": "control", "expires": 60}},
    },
)
app.autodiscover_tasks(["catalog", "catalog.base_models", "jobs"])


def send_now(task: str, *, transport: dict[str, Any] = WITHOUT_PATIENCE, **options: Any) -> None:
    """Send a message that nobody waits for longer than about a second. Raises NOT_SENT."""
    with Connection(app.conf.broker_url, transport_options=transport) as connection:
        app.send_task(task, connection=connection, retry=False, ignore_result=True, **options)
