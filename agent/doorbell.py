"""The Celery worker pinned to one device: it hears doorbells on the queue of this device, and nothing else.

A doorbell carries ids only and has one effect: the agent looks now instead of at its next poll. It runs on a thread,
so that heartbeats and polls go on while the broker is away.
"""

import logging
import threading
import time
from typing import Any

from celery import Celery
from celery.worker import WorkController, state
from kombu import Exchange, Queue

from agent.device_home import Device

TASK = "agent.doorbell"
NAMES = frozenset({"v", "job", "attempt", "errand", "test"})
STOP_S = 3.0
log = logging.getLogger(__name__)


class Bell:
    """Set by a ring; the main loop waits on it."""

    def __init__(self) -> None:
        self.rung = threading.Event()
        self.last_ring = 0.0
        """Unix time, 0 for never"""

    def ring(self) -> None:
        self.last_ring = time.time()
        self.rung.set()

    def wait(self, seconds: float) -> bool:
        """Until a ring, at most so long; True for a ring."""
        rung = self.rung.wait(seconds)
        self.rung.clear()
        return rung


def worker_app(device: Device, bell: Bell) -> Celery:
    """The Celery app of one device's worker; the default one of this process, as Celery finds tasks through that.

    Nothing is acknowledged: a lost ring costs a poll, while an acknowledgement that breaks off with the connection
    leaves the prefetch count full, and the worker deaf for good (F22; seen with Celery 5.7).
    No fixups: with DJANGO_SETTINGS_MODULE in the environment Celery would load the whole server here.
    """
    app = Celery(f"device-{device.id}", fixups=[], loader="celery.loaders.app:AppLoader")
    app.set_default()
    queue = Queue(device.queue, Exchange(device.queue, type="direct"), routing_key=device.queue, no_ack=True)
    app.conf.update(
        broker_url=broker_address(device.broker_url),
        broker_transport_options={
            "global_keyprefix": device.key_prefix,
            "socket_timeout": 5,
            "socket_connect_timeout": 2,
            "health_check_interval": 10,
        },
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        accept_content=["json"],
        task_serializer="json",
        task_ignore_result=True,
        task_acks_late=False,
        task_queues=[queue],
        task_default_queue=device.queue,
        worker_prefetch_multiplier=1,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
    )

    @app.task(name=TASK, shared=False)
    def doorbell(**ids: Any) -> None:
        if set(ids) <= NAMES and all(type(value) in (int, bool) for value in ids.values()):
            bell.ring()
        else:
            log.warning("a message that is no doorbell was dropped")

    return app


def broker_address(url: str) -> str:
    """kombu's spelling of a Redis address on a Unix socket."""
    return "redis+socket://" + url.removeprefix("unix://") if url.startswith("unix://") else url


class Listener:
    """The worker on its thread. Started again when it died or went deaf."""

    def __init__(self, device: Device, bell: Bell):
        self.device, self.bell = device, bell
        self.thread: threading.Thread | None = None

    def ensure(self) -> None:
        """Start it unless it runs."""
        if self.thread and self.thread.is_alive():
            return
        if self.thread:
            log.warning("the worker ended and is started again")
        state.should_stop = state.should_terminate = None
        self.thread = threading.Thread(target=self._work, name="doorbells", daemon=True)
        self.thread.start()

    def stop(self) -> bool:
        """End it; False when it does not end in time."""
        if not self.thread:
            return True
        state.should_terminate = 0
        self.thread.join(STOP_S)
        return not self.thread.is_alive()

    def _work(self) -> None:
        worker = WorkController(
            app=worker_app(self.device, self.bell),
            hostname=f"{self.device.slug}@{self.device.host or 'host'}",
            pool_cls="solo",
            concurrency=1,
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
            quiet=True,
        )
        try:
            worker.start()
        except SystemExit:
            log.info("the worker was told to end")
