"""`/healthz` tells what answers and what does not, to anybody, without secrets."""

from datetime import timedelta

import pytest
from django.db import DatabaseError
from django.utils import timezone

from config import health
from jobs.models import Scheduler

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def scheduler():
    return Scheduler.objects.update_or_create(pk=1, defaults={"last_full_round_at": timezone.now()})[0]


def test_it_is_ok_when_every_part_answers(client, monkeypatch):
    monkeypatch.setattr(health, "_broker", lambda: "ok")
    answer = client.get("/healthz")
    assert answer.status_code == 200
    parts = {"database": "ok", "broker": "ok", "scheduler": "ok", "agents": {"online": 0}}
    assert answer.json() == {"status": "ok"} | parts


@pytest.mark.parametrize(("ago", "told"), [(timedelta(seconds=41), "no round for 41 s"), (None, "no round for inf s")])
def test_a_silent_scheduler_is_a_503_that_names_it(client, monkeypatch, scheduler, ago, told):
    monkeypatch.setattr(health, "_broker", lambda: "ok")
    Scheduler.objects.update(last_full_round_at=ago and timezone.now() - ago)
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()["scheduler"]) == (503, told)


def test_a_silent_broker_is_a_503_that_names_it(client, settings):
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert (answer.json()["database"], answer.json()["broker"]) == ("ok", "does not answer: ConnectionError")


def test_a_silent_database_is_a_503_that_names_it(client, monkeypatch):
    def broken():
        raise DatabaseError("gone, at secret-host")

    monkeypatch.setattr(health, "_broker", lambda: "ok")
    monkeypatch.setattr(health.connection, "cursor", broken)
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert "secret-host" not in answer.content.decode()
