"""While the database cannot be written, whoever tries hears why, that nothing changed, and when to come back."""

import pytest
from django.db import OperationalError
from django.test import Client

from jobs.api.jobs import Jobs
from jobs.views import job_list
from tests.accounts.factories import bearer, make_token, make_user

pytestmark = pytest.mark.django_db


def failing(text):
    def fail(*_arguments, **_options):
        raise OperationalError(text)

    return fail


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("database or disk is full", "its disk is full"),
        ("database is locked", "it is locked"),
        ("connection to server at secret-host failed", "it does not answer"),
    ],
)
def test_rest_answers_503_with_the_reason_and_a_time(monkeypatch, text, told):
    monkeypatch.setattr(Jobs, "list", failing(text))
    client = Client(headers=bearer(make_token(make_user(), "run")))
    answer = client.get("/api/v1/jobs/")
    assert (answer.status_code, answer["Content-Type"]) == (503, "application/problem+json")
    assert int(answer["Retry-After"]) <= 6
    assert told in answer.json()["detail"] and "secret-host" not in answer.content.decode()


def test_a_page_says_the_same_as_a_page(monkeypatch, client):
    monkeypatch.setattr(job_list, "render", failing("database is locked"))
    client.force_login(make_user(role="admin"))
    answer = client.get("/jobs/")
    assert answer.status_code == 503
    assert "The database cannot be written now" in answer.content.decode()
