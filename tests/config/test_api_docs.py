"""The API explains itself, to those who may read it, with examples that run."""

import os

import pytest
from django.core.management import call_command
from django.test import Client

from accounts.models import Setting
from config import api_examples
from jobs.models import Job
from tests.accounts.factories import bearer, make_token, make_user
from tests.jobs.factories import STEPS, make_prepared, make_version


def test_the_schema_builds_without_a_warning(db, tmp_path):
    call_command("spectacular", validate=True, fail_on_warn=True, file=str(tmp_path / "schema.yml"))
    assert "/api/v1/jobs/{id}/metrics/" in (tmp_path / "schema.yml").read_text()


def test_schema_and_page_are_for_those_who_may_see_anything(db):
    assert Client().get("/api/v1/schema/").status_code == 401
    assert Client().get("/api/v1/docs/").status_code == 302
    client = Client(headers=bearer(make_token(make_user("maria"), "read")))
    assert client.get("/api/v1/schema/?format=json").json()["openapi"].startswith("3.")
    assert "/api/v1/jobs/" in client.get("/api/v1/docs/").content.decode()
    assert Client(headers=bearer("flt_no-such")).get("/api/v1/docs/").status_code == 401
    browser = Client()
    browser.force_login(make_user("vera", "viewer"), backend="django.contrib.auth.backends.ModelBackend")
    answer = browser.get("/api/v1/docs/")
    assert answer.status_code == 200
    assert "unsafe" not in answer["Content-Security-Policy"]


def test_an_admin_may_open_them_to_everybody(db):
    Setting.objects.create(key="open_docs", value=True)
    assert Client().get("/api/v1/schema/").status_code == 200
    assert Client().get("/api/v1/docs/").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_each_example_runs(live_server, monkeypatch, tmp_path, capsys):
    maria = make_user("maria")
    make_prepared(make_version(maria, slug="mnist-5k"))
    monkeypatch.setenv("FLEETUNE_TOKEN", make_token(maria, "run"))
    monkeypatch.chdir(tmp_path)
    start, follow, export = (one.python for one in api_examples.of(live_server.url))
    exec(start.replace('"model"', f'"recipe": {STEPS}, "model"'), {})  # noqa: S102 - our own text is the thing tested
    job = Job.objects.get()
    assert capsys.readouterr().out.split() == [str(job.pk), "pending"]
    Job.objects.update(state="cancelled", end_reason="user_cancelled")
    exec(follow.replace("/jobs/1/", f"/jobs/{job.pk}/"), {})  # noqa: S102
    exec(export.replace("/jobs/1/", f"/jobs/{job.pk}/"), {})  # noqa: S102
    assert (tmp_path / "job-1.zip").read_bytes().startswith(b"PK")
    assert os.environ["FLEETUNE_TOKEN"] not in "".join(one.curl + one.python for one in api_examples.of("x"))
