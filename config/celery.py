"""The Celery app of the server: control (scheduling and repair), server work (imports), and doorbells to devices."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from django.conf import settings

WITHOUT_PATIENCE = {"socket_timeout": 1, "socket_connect_timeout": 1, "retry_on_timeout": False, "max_retries": 0}
"""of a connection that a request waits for: Celery's own tries for 6 s (measured)"""


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
    },
)
app.autodiscover_tasks(["catalog", "catalog.base_models", "jobs"])
