"""REST of jobs: what is asked for is answered, what is not allowed is refused with nothing changed."""

import json

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from jobs import listing, queries
from jobs.api import shapes
from jobs.models import Job, Latest
from jobs.states import JobState
from tests.accounts.factories import bearer, make_admin, make_project, make_token, make_user
from tests.jobs.factories import STEPS, make_job, make_prepared, make_version
from tests.jobs.store_factories import an_attempt

pytestmark = pytest.mark.django_db
SPEC = {"task": "image-classification", "dataset": "shapes", "model": {"source": "conv"}, "recipe": STEPS}


@pytest.fixture
def maria():
    user = make_user("maria")
    make_prepared(make_version(user))
    return user


def api(user, scope="run") -> Client:
    return Client(headers=bearer(make_token(user, scope)))


def post(client, path, body=None, **headers):
    return client.post(f"/api/v1/{path}", json.dumps(body or {}), content_type="application/json", headers=headers)


def patch(client, path, body, **headers):
    return client.patch(f"/api/v1/{path}", json.dumps(body), content_type="application/json", headers=headers)


def test_a_spec_of_three_parts_becomes_a_job(maria):
    answer = post(api(maria), "jobs/", SPEC)
    assert answer.status_code == 201, answer.content
    body = answer.json()
    assert body["state"] == "pending"
    assert body["owner"] == "maria"
    assert body["spec"]["training"]["logging_steps"] == 1
    assert body["reason_actions"] == body["state_line"]["actions"]
    assert api(maria).get(f"/api/v1/jobs/{body['id']}/").json() == body


def test_an_invalid_spec_lists_every_problem_with_its_path(maria):
    body = {**SPEC, "model": {"source": "convv"}, "training": {"learning_rate": -1, "epochs": 3}, "owner": "ada"}
    answer = post(api(maria), "jobs/", body)
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert {"training.epochs", "owner"} <= answer.json()["errors"].keys()
    assert not Job.objects.exists()


def test_the_same_key_gives_the_same_job_and_another_body_is_refused(maria):
    """S18"""
    client = api(maria)
    first = post(client, "jobs/", SPEC, **{"Idempotency-Key": "k1"})
    again = post(client, "jobs/", SPEC, **{"Idempotency-Key": "k1"})
    other = post(client, "jobs/", {**SPEC, "name": "other"}, **{"Idempotency-Key": "k1"})
    assert first.json()["id"] == again.json()["id"]
    assert other.status_code == 422
    assert Job.objects.count() == 1


def test_roles_and_scopes_are_held(maria):
    """S02, S14"""
    job = make_job(owner=maria)
    viewer, other = make_user("vera", "viewer"), make_user("omar")
    assert api(viewer, "read").get(f"/api/v1/jobs/{job.pk}/").status_code == 200
    refused = [
        post(api(viewer), "jobs/", SPEC),
        post(api(maria, "read"), "jobs/", SPEC),
        post(api(other), f"jobs/{job.pk}/cancel/"),
        patch(api(other), f"jobs/{job.pk}/", {"name": "mine"}),
        patch(api(maria), f"jobs/{job.pk}/", {"priority": 5}),
        post(api(maria), "queue/pause/"),
        api(viewer).get(f"/api/v1/jobs/{job.pk}/export/"),
    ]
    assert [answer.status_code for answer in refused] == [403] * len(refused)
    assert "Needs Operator" in refused[0].json()["detail"]
    assert "only read" in refused[1].json()["detail"]
    assert Job.objects.get().state == JobState.PENDING
    assert Client().get(f"/api/v1/jobs/{job.pk}/").status_code == 401


PARTS = ("", "metrics/", "transitions/", "checkpoints/", "logs/", "artifacts/", "evaluations/", "export/")


@pytest.mark.parametrize("part", PARTS)
def test_a_foreign_job_answers_like_one_that_does_not_exist(maria, part):
    """S01"""
    job = make_job(owner=maria)
    stranger = make_user("stranger", "")
    make_project("other", stranger)
    client = api(stranger)
    foreign, missing = client.get(f"/api/v1/jobs/{job.pk}/{part}"), client.get(f"/api/v1/jobs/999999/{part}")
    assert foreign.status_code == missing.status_code == 404
    assert foreign.content == missing.content


@pytest.mark.parametrize("verb", ["cancel", "retry", "clone", "pause", "resume"])
def test_a_foreign_job_cannot_be_acted_on(maria, verb):
    job = make_job(owner=maria)
    stranger = make_user("stranger", "")
    make_project("other", stranger)
    assert post(api(stranger), f"jobs/{job.pk}/{verb}/").status_code == 404


def test_stop_try_again_and_what_is_illegal(maria):
    client, job = api(maria), make_job(owner=maria)
    assert post(client, f"jobs/{job.pk}/retry/").status_code == 409
    assert post(client, f"jobs/{job.pk}/cancel/", {"force": "yes"}).status_code == 400
    stopped = post(client, f"jobs/{job.pk}/cancel/", {"force": False})
    assert stopped.json()["state"] == "cancelled"
    assert stopped.json()["end_reason"] == "user_cancelled"
    again = post(client, f"jobs/{job.pk}/cancel/")
    assert again.status_code == 409
    assert "already" in again.json()["detail"]
    assert post(client, f"jobs/{job.pk}/retry/", {"from": "start"}).json()["state"] == "pending"
    assert post(client, f"jobs/{job.pk}/retry/", {"from": "moon"}).status_code == 400


def test_clone_pause_and_resume(maria):
    client, job = api(maria), make_job(owner=maria)
    copy = post(client, f"jobs/{job.pk}/clone/")
    assert copy.status_code == 201
    assert copy.json()["id"] != job.pk
    assert post(client, f"jobs/{job.pk}/pause/").json()["wait_reason"] == "paused"
    assert post(client, f"jobs/{job.pk}/resume/").json()["wait_reason"] != "paused"


def test_a_change_needs_the_tag_of_what_was_read(maria):
    client, job = api(maria), make_job(owner=maria)
    tag = client.get(f"/api/v1/jobs/{job.pk}/")["ETag"]
    assert patch(client, f"jobs/{job.pk}/", {"name": "one"}, **{"If-Match": tag}).json()["name"] == "one"
    late = patch(client, f"jobs/{job.pk}/", {"name": "two"}, **{"If-Match": tag})
    assert late.status_code == 412
    assert Job.objects.get().name == "one"


@pytest.mark.parametrize("field", ["state", "owner", "id", "spec", "seq", "demo"])
def test_fields_that_are_not_yours_to_set_are_named(maria, field):
    """S04"""
    answer = patch(api(maria), f"jobs/{make_job(owner=maria).pk}/", {field: 1})
    assert answer.status_code == 400
    assert field in answer.json()["errors"]


def test_a_removed_job_is_gone_with_who_and_when(maria):
    client, job = api(maria), make_job(owner=maria)
    assert client.delete(f"/api/v1/jobs/{job.pk}/").status_code == 409
    post(client, f"jobs/{job.pk}/cancel/")
    assert client.delete(f"/api/v1/jobs/{job.pk}/").status_code == 204
    gone = client.get(f"/api/v1/jobs/{job.pk}/")
    assert gone.status_code == 410
    assert "maria" in gone.json()["detail"]
    assert client.get("/api/v1/jobs/").json()["count"] == 0


def test_a_list_is_paged_filtered_and_ordered(maria):
    client = api(maria)
    jobs = [make_job(owner=maria, name=f"net {number}", tags=["a"] if number else ["ü", "b"]) for number in range(3)]
    Job.objects.filter(pk=jobs[0].pk).update(state="failed", end_reason="nan_loss")
    page = client.get("/api/v1/jobs/?page_size=2").json()
    assert (page["count"], len(page["results"])) == (3, 2)
    assert [row["id"] for row in page["results"]] == [jobs[2].pk, jobs[1].pk]

    def found(query):
        return [row["id"] for row in client.get(f"/api/v1/jobs/?{query}").json()["results"]]

    assert found("state=failed") == [jobs[0].pk]
    assert found("state=failed&state=running") == [jobs[0].pk]
    assert found("search=net 1") == [jobs[1].pk]
    assert found(f"search=%23{jobs[2].pk}") == [jobs[2].pk]
    assert found("tag=ü") == [jobs[0].pk]
    assert found("owner=nobody") == []
    assert found("ordering=id")[0] == jobs[0].pk
    assert found("archived=true") == []


def test_a_list_sorted_by_a_metric_reads_the_index_and_puts_those_without_it_behind(maria):
    jobs = [make_job(owner=maria) for _ in range(4)]
    for job, value in zip(jobs, [0.3, 0.1, 0.2], strict=False):
        Latest.objects.create(job=job, key="eval/loss", value=value)
    client = api(maria)

    def order(query):
        return [row["id"] for row in client.get(f"/api/v1/jobs/?ordering={query}").json()["results"]]

    assert order("eval/loss") == [jobs[1].pk, jobs[2].pk, jobs[0].pk, jobs[3].pk]
    assert order("-eval/loss") == [jobs[0].pk, jobs[2].pk, jobs[1].pk, jobs[3].pk]
    assert order("eval/loss&page_size=2&page=2") == [jobs[0].pk, jobs[3].pk]
    assert order("eval/loss&page_size=3&page=2") == [jobs[3].pk]
    if connection.vendor == "sqlite":
        plan = listing.jobs_of(maria, {"ordering": "eval/loss"}).rows[:100].explain()
        assert "latest_order" in plan
        assert "TEMP B-TREE FOR ORDER BY" not in plan


@pytest.mark.parametrize(
    "query",
    ["colour=1", "state=happy", "ordering=spec__name", "ordering=;drop", "archived=maybe", "search=" + "x" * 201],
)
def test_an_unknown_filter_state_or_order_names_the_known_ones(maria, query):
    """S36"""
    answer = api(maria).get(f"/api/v1/jobs/?{query}")
    assert answer.status_code == 400
    assert answer.json()["errors"]


@pytest.mark.parametrize("number", ["99999999999999999999", "1e3", "-1", "..%2F1", "%00", "0"])
def test_a_number_that_is_none_is_not_there(maria, number):
    """S44"""
    assert api(maria).get(f"/api/v1/jobs/{number}/").status_code == 404


def test_a_list_costs_the_same_however_many_jobs_it_shows(maria):
    client = api(maria)
    for _ in range(2):
        an_attempt(make_job(owner=maria))
    with CaptureQueriesContext(
        connection,
    ) as few:
        client.get("/api/v1/jobs/")
    for _ in range(8):
        an_attempt(make_job(owner=maria))
    with CaptureQueriesContext(connection) as many:
        client.get("/api/v1/jobs/")
    assert len(many) <= len(few) + 1


def test_the_queue_is_shown_moved_and_paused(maria):
    client, admin = api(maria), api(make_admin("root"), "admin")
    first, second = make_job(owner=maria), make_job(owner=maria)
    from tests.devices.factories import make_device

    make_device()
    waiting = client.get("/api/v1/queue/").json()["devices"][0]["waiting"]
    assert [row["job"] for row in waiting] == [first.pk, second.pk]
    moved = post(client, "queue/move/", {"job": second.pk, "to": "top"})
    assert [row["job"] for row in moved.json()["devices"][0]["waiting"]] == [second.pk, first.pk]
    assert post(client, "queue/move/", {"job": second.pk, "to": "moon"}).status_code == 400
    assert post(client, "queue/move/", {"job": "x", "to": "up"}).status_code == 400
    assert post(admin, "queue/pause/").json()["paused_by"] == "root"
    assert post(admin, "queue/resume/").json()["paused"] is False


def test_the_schema_names_just_what_is_answered(maria):
    job = make_job(owner=maria)
    an_attempt(job)
    shown = queries.job_json(queries.with_parts(Job.objects.filter(pk=job.pk)).get())
    assert set(shapes.JobSerializer().fields) == set(shown)
    assert set(shapes.JobRowSerializer().fields) == set(queries.job_row(job))
    assert set(shapes.AttemptSerializer().fields) == set(shown["attempts"][0])
    assert set(shapes.RankSerializer().fields) == set(shown["attempts"][0]["ranks"][0])


def test_reading_changes_nothing(maria):
    """S06"""
    job = make_job(owner=maria)
    client = api(maria)
    client.get("/api/v1/jobs/")
    for path in (f"jobs/{job.pk}/{verb}/" for verb in ("cancel", "retry", "clone", "pause", "resume")):
        assert client.get(f"/api/v1/{path}").status_code == 405
    assert client.get("/api/v1/queue/pause/").status_code == 405
    assert Job.objects.count() == 1
    assert Job.objects.get().state == JobState.PENDING
