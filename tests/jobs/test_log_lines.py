"""Lines of the server that are about a job name it, its attempt and the device: whoever writes them."""

import json
import logging
from datetime import timedelta

import pytest
from django.test import Client

from contract import logs
from contract.timing import LEASE_TTL_S
from devices.models import Lease
from jobs import clock, reconciler
from tests.jobs.factories import make_gang, make_running

pytestmark = pytest.mark.django_db


@pytest.fixture
def lines():
    """What the server logs, as its file gets it."""
    said: list[dict] = []
    handler = logging.Handler()
    handler.setFormatter(logs.Formatter("control", readable=False))
    handler.emit = lambda record: said.append(json.loads(handler.format(record)))
    logging.getLogger().addHandler(handler)
    yield said
    logging.getLogger().removeHandler(handler)


def test_calls_of_a_device_and_the_reconcilers_repairs_name_job_attempt_and_device(lines):
    gang = make_gang()
    job = make_running(*gang)
    attempt = job.attempts.get()
    late = clock.now() + timedelta(seconds=2 * LEASE_TTL_S)
    Lease.objects.filter(device=gang[1].device).update(healthy_ticks=LEASE_TTL_S)
    assert reconciler.end_silent_leases(late) == 1
    moves = [line for line in lines if line["logger"] == "jobs.transitions" and line["job"] == job.pk]
    assert [line["text"].split(" by ")[0] for line in moves] == [
        "pending to claimed", "claimed to starting", "starting to running", "running to pending",
    ]  # fmt: skip
    assert {line["attempt"] for line in moves[1:]} == {attempt.pk}
    assert [line["device"] for line in moves[1:]] == ["lab-1-cpu-1"] * 3
    gang[1].post("lease", fence=0, supervisor={}, rank_process={})
    assert [(line["text"], line["attempt"]) for line in lines[-1:]] == [("Conflict: /agent/v1/lease", attempt.pk)]
    silent = next(line for line in lines if line["logger"] == "jobs.reconciler")
    assert (silent["job"], silent["attempt"], silent["rank"]) == (job.pk, attempt.pk, 1)


def test_what_is_said_while_a_jobs_page_is_asked_for_names_the_job(lines):
    Client().get("/api/v1/jobs/987/")
    Client().get("/jobs/987/nothing-here/")
    Client().get("/nothing-here/")
    asked = [line["job"] for line in lines if line["logger"] == "django.request"]
    assert asked == [987, 987, None]
