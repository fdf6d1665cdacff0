"""Control looks when something is submitted, not only at its next tick."""

import time

import pytest

from config.celery import app
from jobs import tasks
from jobs.models import Job
from tests.jobs.factories import make_gang, make_job

pytestmark = pytest.mark.django_db


def state_of(job):
    return Job.objects.get(pk=job.pk).state


def test_asked_control_gives_a_waiting_job_its_devices():
    make_gang()
    job = make_job()
    tasks.place(time.time())
    assert state_of(job) == "claimed"


def test_a_round_answers_everybody_who_asked_before_it():
    asked_before = time.time()
    tasks.place(time.time())
    make_gang()
    job = make_job()
    tasks.place(asked_before)
    assert state_of(job) == "pending", "the tick finds it"


def test_a_submitted_job_asks_for_control_and_a_broker_that_is_away_does_no_harm(
    monkeypatch, django_capture_on_commit_callbacks
):
    asked = []
    monkeypatch.setattr(app, "send_task", lambda name, **options: asked.append((name, options["queue"])))
    with django_capture_on_commit_callbacks(execute=True):
        make_job()
    assert asked == [("jobs.tasks.place", "control")]

    def refuse(*_args, **_options):
        raise ConnectionRefusedError

    monkeypatch.setattr(app, "send_task", refuse)
    with django_capture_on_commit_callbacks(execute=True):
        make_job()
