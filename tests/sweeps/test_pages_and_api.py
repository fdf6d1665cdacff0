"""Sweeps over REST and on their pages."""

import json
from datetime import timedelta

import pytest

from jobs import clock
from jobs.models import Job
from sweeps import coordinates, driver, form
from sweeps.models import Sweep
from tests.accounts.factories import make_user
from tests.jobs.factories import STEPS, make_job, make_owner, make_prepared, make_version

pytestmark = pytest.mark.django_db
BASE = {"task": "image-classification", "dataset": "shapes", "model": {"source": "conv"}, "recipe": STEPS}
BODY = {
    "name": "rates",
    "base": BASE,
    "space": {"training.learning_rate": {"choices": [0.1, 0.01]}},
    "algorithm": "grid",
}


@pytest.fixture
def client(client):
    owner = make_owner()
    make_prepared(make_version(owner))
    client.force_login(owner)
    return client


def post(client, path="", body=None):
    return client.post(f"/api/v1/sweeps/{path}", body or {}, content_type="application/json")


def test_a_sweep_is_started_looked_at_and_stopped_over_rest(client):
    made = post(client, body=BODY)
    assert made.status_code == 201 and made.json()["trials"] == 2
    driver.tick(clock.now())
    number = made.json()["id"]
    found = client.get(f"/api/v1/sweeps/{number}/").json()
    assert [(job["number"], job["state"], job["params"]) for job in found["jobs"]] == [
        (1, "running", {"training.learning_rate": 0.1})
    ]
    assert client.get("/api/v1/sweeps/").json()["results"][0]["started"] == 1
    assert post(client, f"{number}/pause/").json()["state"] == "paused"
    assert post(client, f"{number}/pause/").status_code == 409
    assert post(client, f"{number}/extend/", {"trials": 3}).status_code == 409
    assert post(client, f"{number}/cancel/").json()["state"] == "stopped"


def test_bad_bodies_and_strangers_are_refused(client):
    errors = post(client, body=BODY | {"trials": "many", "algorithm": "x"}).json()["errors"]
    assert {"trials", "algorithm"} <= set(errors)
    assert post(client, body={"colour": 1}).status_code == 400
    post(client, body=BODY)
    client.force_login(make_user("stranger", role=""))
    assert client.get(f"/api/v1/sweeps/{Sweep.objects.get().pk}/").status_code == 404
    client.force_login(make_user("viewer", role="viewer"))
    assert post(client, body=BODY).status_code == 403
    assert post(client, f"{Sweep.objects.get().pk}/pause/").status_code == 403


ROW = {"setting-0": "training.learning_rate", "values-0": "0.1, 0.01"}


def test_the_pages_start_a_sweep_from_a_job_and_show_its_trials(client):
    job = make_job(owner=make_owner())
    assert "No sweep yet" in client.get("/sweeps/").content.decode()
    form = client.get(f"/sweeps/new/?job={job.pk}").content.decode()
    assert "Learning rate" in form and "shapes" in form

    typed = {"name": "rates", "base": json.dumps(BASE), "algorithm": "grid"} | ROW
    counted = client.post("/sweeps/new/", typed | {"do": "count", "parallel": "2"}).content.decode()
    assert "2 jobs, 2 at a time." in counted and not Sweep.objects.exists()
    answer = client.post("/sweeps/new/", typed)
    sweep = Sweep.objects.get()
    assert answer.headers["Location"] == f"/sweeps/{sweep.pk}/"
    driver.tick(clock.now())
    page = client.get(f"/sweeps/{sweep.pk}/").content.decode()
    assert "0 of 2 trials ended, 1 running." in page and 'data-testid="trial"' in page
    assert "rates" in client.get("/sweeps/").content.decode()
    client.post(f"/sweeps/{sweep.pk}/do/stop/")
    assert "Stopped after 1 of 2 trials." in client.get(f"/sweeps/{sweep.pk}/").content.decode()


def test_a_form_with_mistakes_says_them_and_keeps_what_was_typed(client):
    typed = {"name": "mine", "base": "{", "algorithm": "grid"} | ROW
    answer = client.post("/sweeps/new/", typed)
    assert answer.status_code == 400
    assert "This is no JSON" in answer.content.decode() and 'value="mine"' in answer.content.decode()
    typed |= {"base": json.dumps(BASE), "setting-1": "training.speed", "values-1": "1"}
    assert "space.training.speed" in client.post("/sweeps/new/", typed).content.decode()


@pytest.mark.parametrize(
    ("field", "text", "told"),
    [
        ("base", "[" * 100_000, "This is no JSON"),
        ("values-0", "[" * 100_000, "This is no JSON list"),
        ("values-0", '{"a":' * 20_000 + " to 1", "space.training.learning_rate"),
    ],
)
def test_a_field_that_is_nested_without_end_is_a_mistake_of_the_form(client, field, text, told):
    typed = {"base": json.dumps(BASE), "algorithm": "grid"} | ROW | {field: text}
    answer = client.post("/sweeps/new/", typed)
    assert (answer.status_code, told in answer.content.decode()) == (400, True)


def test_a_count_says_how_long_all_jobs_take_by_the_one_they_start_from(client):
    begun = clock.now()
    ended = {"state": "succeeded", "started_at": begun, "ended_at": begun + timedelta(minutes=2)}
    job = make_job(owner=make_owner())
    Job.objects.filter(pk=job.pk).update(**ended)
    typed = {"job": job.pk, "base": json.dumps(BASE), "algorithm": "grid", "parallel": "1", "do": "count"} | ROW
    told = client.post("/sweeps/new/", typed).content.decode()
    assert f"2 jobs, 1 at a time: about 4 min, as job #{job.pk} took 2 min" in told


@pytest.mark.parametrize(
    ("text", "log", "found"),
    [
        ("16, 32, 64", False, {"choices": [16, 32, 64]}),
        ("adam, sgd", False, {"choices": ["adam", "sgd"]}),
        ("0.0001 to 0.03", True, {"low": 0.0001, "high": 0.03, "log": True}),
        ("16 to 64 step 16", False, {"low": 16, "high": 64, "log": False, "step": 16}),
        ("[[64], [64, 64]]", False, {"choices": [[64], [64, 64]]}),
    ],
)
def test_values_are_read_as_people_write_them(text, log, found):
    assert form.values_of(text, log, "space.x", []) == found


def test_lines_of_parallel_coordinates_are_ranked_by_how_well_trials_did():
    space = {"training.learning_rate": {"low": 0.001, "high": 0.1, "log": True}, "training.optim": {"choices": ["a"]}}
    trials = [
        {
            "number": n,
            "state": "complete",
            "value": value,
            "params": {"training.learning_rate": rate, "training.optim": o},
        }
        for n, value, rate, o in [(1, 0.9, 0.001, "adam"), (2, 0.2, 0.1, "sgd"), (3, 0.5, 0.01, "adam")]
    ]
    assert coordinates.of(trials[:2], space, "eval/loss", "minimize") is None
    drawn = coordinates.of(trials, space, "eval/loss", "minimize")
    assert [line["number"] for line in drawn["lines"]] == [1, 3, 2]
    low, middle, high = (drawn["axes"][0]["heights"][place] for place in (0, 2, 1))
    assert low > middle > high and abs((low + high) / 2 - middle) < 1e-6
    assert drawn["axes"][1]["high"] == "sgd"
