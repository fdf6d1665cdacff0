"""What answers when no view does."""

import pytest
from django.test import Client

from jobs.api.jobs import Jobs
from tests.accounts.factories import bearer, make_token, make_user

PROBLEM = "application/problem+json"


@pytest.fixture
def client(db):
    return Client(headers=bearer(make_token(make_user(), "run")), raise_request_exception=False)


@pytest.mark.parametrize("path", ["nothing/", "jobs/none/", "jobs/1/nothing/", "nothing", ""])
def test_an_unknown_address_of_the_api_is_a_problem_document(client, path):
    answer = client.get(f"/api/v1/{path}")
    body = answer.json()
    assert (answer.status_code, answer["Content-Type"], body["status"]) == (404, PROBLEM, 404)
    assert body["type"] and body["title"] and body["detail"]


def test_a_method_that_is_not_offered_is_a_problem_document(client):
    answer = client.put("/api/v1/jobs/")
    assert (answer.status_code, answer["Content-Type"]) == (405, PROBLEM)


def test_what_breaks_in_the_api_is_a_problem_document_that_tells_no_secret(client, monkeypatch):
    """S67"""

    def break_(*_arguments, **_options):
        raise RuntimeError("the password is hunter2")

    monkeypatch.setattr(Jobs, "list", break_)
    answer = client.get("/api/v1/jobs/")
    assert (answer.status_code, answer["Content-Type"]) == (500, PROBLEM)
    assert "hunter2" not in answer.content.decode()


def test_a_missing_slash_is_added_as_on_pages(client):
    assert client.get("/api/v1/jobs")["Location"] == "/api/v1/jobs/"


def test_elsewhere_a_page_answers(client):
    answer = client.get("/nothing/")
    assert (answer.status_code, answer["Content-Type"]) == (404, "text/html; charset=utf-8")


def test_the_icon_that_browsers_ask_for_is_there(client):
    answer = client.get("/favicon.ico")
    assert (answer.status_code, answer["Location"]) == (302, "/static/img/logo.svg")
