"""`manage.py server_worker`: the Celery worker that imports and prepares data, one piece of work at a time."""

from django.core.management.base import BaseCommand

from config.celery import app


class Command(BaseCommand):
    help = "Run the worker of the queue `server`: imports and server-side preparing of data."

    def handle(self, *args, **options) -> None:
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
