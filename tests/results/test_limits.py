"""Limits on a model: stated once, every version is held against them, with figures that devices measured."""

import pytest

from results.models import Measurement, Result
from tests.accounts.factories import make_user
from tests.jobs.factories import make_owner
from tests.results.factories import answered, make_result

pytestmark = pytest.mark.django_db
LIMITS = ["p99 <= 5 ms", "file of model.onnx <= 10 B", "throughput@lab-1-cpu-0 >= 100"]


@pytest.fixture
def version():
    return make_result(requirements=["eval/accuracy@lab-1-cpu-0 >= 0.8"])


@pytest.fixture
def client(client, version):
    client.force_login(make_owner())
    return client


@pytest.fixture
def url(version):
    return f"/api/v1/results/{version.result.slug}/"


def state(client, url, texts):
    return client.patch(f"{url}requirements/", {"requirements": texts}, content_type="application/json")


def measure(client, version):
    body = {"result": version.result.slug, "artifact": "model.onnx", "devices": ["lab-1-cpu-0"]}
    assert client.post("/api/v1/evaluations/", body, content_type="application/json").status_code == 202
    answered(Measurement.objects.get())


def test_a_version_is_held_against_the_limits_of_its_job_and_of_the_model(client, url, version):
    assert state(client, url, LIMITS).json() == {"requirements": LIMITS}
    found = client.get(f"{url}versions/1/requirements/").json()
    assert [row["verdict"] for row in found["requirements"]] == ["met", "unknown", "missed", "unknown"]
    measure(client, version)
    found = client.get(f"{url}versions/1/requirements/").json()
    assert [row["verdict"] for row in found["requirements"]] == ["met", "met", "missed", "met"]
    assert found["requirements"][1]["shown"] == "4.00 ms · model.onnx on lab-1-cpu-0 · n = 100"
    assert found["verdict"] == "missed"
    assert client.get(f"{url}versions/1/").json()["requirements"] == found["requirements"]


def test_limits_that_are_asked_for_once_are_judged_and_not_kept(client, url, version):
    found = client.get(f"{url}versions/1/requirements/", {"limit": ["eval/accuracy@lab-1-cpu-1 >= 0.95", "p50 <= 1 s"]})
    assert [row["verdict"] for row in found.json()["requirements"]] == ["met", "missed", "unknown"]
    of_job = client.get(f"/api/v1/jobs/{version.job_id}/requirements/", {"limit": "training <= 1 h"}).json()
    assert [row["verdict"] for row in of_job["requirements"]] == ["met", "met"]
    assert of_job["verdict"] == "met"
    assert client.get(f"{url}requirements/").json() == {"requirements": []}


def test_bad_limits_and_strangers_are_refused(client, url):
    errors = state(client, url, ["fast please", "p99 <= 3 ms"]).json()["errors"]
    assert list(errors) == ["requirements.0"] and "Write it like" in errors["requirements.0"][0]
    assert state(client, url, "p99 <= 3 ms").status_code == 400
    assert client.get(f"{url}versions/1/requirements/", {"limit": "x"}).status_code == 400
    assert client.get(f"{url}versions/1/requirements/", {"colour": "x"}).status_code == 400
    client.force_login(make_user("viewer", role="viewer"))
    assert state(client, url, LIMITS).status_code == 403
    client.force_login(make_user("stranger", role=""))
    assert client.get(f"{url}requirements/").status_code == 404
    assert client.get(f"{url}versions/1/requirements/").status_code == 404
    assert Result.objects.get().requirements == []


def test_the_page_states_limits_and_shows_each_with_its_figure(client, version):
    page = f"/results/{version.result.slug}/v/1/"
    client.post(f"{page}do/limits/", {"requirements": "file <= 1 kB\r\n\r\np99 <= 1 ms"})
    assert Result.objects.get().requirements == ["file <= 1 kB", "p99 <= 1 ms"]
    text = client.get(page).content.decode()
    assert text.count('data-testid="requirement"') == 3 and text.count('data-verdict="met"') == 2
    assert "Not measured" in text
    assert 'data-testid="requirement"' in client.get(f"/jobs/{version.job_id}/").content.decode()
