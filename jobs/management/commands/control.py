"""`manage.py control`: schedules and repairs. A Celery worker ticked by beat, which ticks itself when no tick comes.

It needs no broker to work: without one the ticks come from the thread here. Any number of these may run at once.
"""

import logging
import threading
import time

from celery.beat import EmbeddedService
from django.core.management.base import BaseCommand
from django.db import DatabaseError, close_old_connections, connections

from config.celery import app
from contract import timing
from jobs import services, tasks
from jobs.models import Job
from jobs.states import JobState

SELF_TICK_AFTER_S = 2 * timing.TICK_S
LOOK_S = 0.25
BRING_TO_REST_S = 4.0
log = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Runs the scheduler and reconciler. On SIGTERM running jobs are brought to a checkpoint first."

    def add_arguments(self, parser):
        parser.add_argument(
            "--leave-running", action="store_true", help="leave running jobs alone on SIGTERM: control alone restarts"
        )

    def handle(self, *args, **options):
        stopping = threading.Event()
        ticker = threading.Thread(target=tick_when_nobody_does, args=[stopping], name="own-tick", daemon=True)
        ticker.start()
        EmbeddedService(app, thread=True, scheduler_cls="celery.beat:Scheduler").start()
        worker = app.Worker(queues=["control"], pool="solo", hostname="control@%h", loglevel="WARNING", **QUIET)
        worker.start()
        stopping.set()
        ticker.join(2 * timing.TICK_S)
        if not options["leave_running"]:
            bring_to_rest()


QUIET = {"without_gossip": True, "without_mingle": True, "without_heartbeat": True}


def tick_when_nobody_does(stopping: threading.Event) -> None:
    """The tick's own pulse: beat's ticks come through the broker, and that may be away."""
    while not stopping.wait(LOOK_S):
        since = tasks.seconds_since_tick()
        if since is not None and since < SELF_TICK_AFTER_S:
            continue
        close_old_connections()
        try:
            tasks.tick_now()
        except DatabaseError as error:
            log.warning("the database does not answer; the next tick tries again: %s", error)
        except Exception:
            log.exception("a tick failed; the next one tries again")
            stopping.wait(timing.TICK_S)
    connections.close_all()


def bring_to_rest() -> None:
    """The whole server stops: running jobs save and end, so that they lose nothing and go on at the next start."""
    try:
        if services.shut_down():
            deadline = time.monotonic() + BRING_TO_REST_S
            while time.monotonic() < deadline and Job.objects.filter(state=JobState.DRAINING).exists():
                time.sleep(0.1)
    except DatabaseError as error:
        log.warning("running jobs could not be asked to save: %s", error)
