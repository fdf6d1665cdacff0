"""`manage.py server_worker`: the Celery worker that imports and prepares data, one piece of work at a time."""

import os

from django.core.management.base import BaseCommand

from config.celery import app


class Command(BaseCommand):
    help = "Run the worker of the queue `server`: imports and server-side preparing of data."

    requires_system_checks = []  # pages and routes are no business of this process

    def handle(self, *args, **options) -> None:
        os.environ["CELERY_SKIP_CHECKS"] = "1"  # Celery would load all routes too; `manage.py check` does that
        app.worker_main(
            [
                "worker",
                "--queues=server",
                "--hostname=server@%h",
                "--pool=solo",  # the heavy work is in child processes; this one only follows them
                "--concurrency=1",
                "--without-gossip",
                "--without-mingle",
                "--without-heartbeat",
                "--loglevel=INFO",
            ]
        )
