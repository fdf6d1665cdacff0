"""`/healthz` tells what answers and what does not, to anybody, without secrets."""

import pytest
from django.db import DatabaseError

from config import health

pytestmark = pytest.mark.django_db


def test_it_is_ok_when_database_and_broker_answer(client, monkeypatch):
    monkeypatch.setattr(health, "_broker", lambda: "ok")
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "database": "ok", "broker": "ok", "agents": {"online": 0}}


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
