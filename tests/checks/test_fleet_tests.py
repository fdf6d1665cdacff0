"""Tests of the fleet over REST and on their pages, with fake agents that speak the real protocol."""

import pytest

from checks.models import FleetTest
from devices.models import Device, Lease
from jobs import clock, scheduling
from tests.accounts.factories import make_user
from tests.checks.factories import checks, trained
from tests.devices.factories import make_device
from tests.jobs.factories import FakeAgent, make_claimed, make_gang, make_owner
from tests.results.factories import succeed

pytestmark = pytest.mark.django_db
URL = "/api/v1/fleet-tests/"


@pytest.fixture
def agents():
    return make_gang()


@pytest.fixture
def job(agents):
    return succeed(make_claimed(*agents), agents)


@pytest.fixture
def client(client, job):
    client.force_login(make_owner())
    return client


def post(client, body=None, path=""):
    return client.post(URL + path, body or {}, content_type="application/json")


def reply(agents: list[FakeAgent], **answer) -> None:
    """Every device is given its errand, meets the others and answers."""
    scheduling.round(clock.now())
    for agent in agents:
        assert agent.ack().status_code == 200
    for rank, agent in enumerate(agents):
        agent.lease(port=5000 if rank == 0 else 0, stage="links")
        told = answer or {"checks": checks(rank, len(agents))}
        assert agent.post("exit", outcome="succeeded", answer={"ok": True, **told}, gone=True).status_code == 200


def test_a_fleet_that_fits_passes_with_job_release_and_every_check(client, agents, job):
    made = post(client).json()
    assert (made["state"], made["job"], made["artifact"]) == ("running", job.pk, "model.safetensors")
    assert made["version"] and len(made["commit"].rstrip("+")) in (0, 12)
    reply(agents)
    found = client.get(f"{URL}{made['id']}/").json()
    assert found["state"] == "passed" and found["ended_at"]
    assert {row["device"]: row["ok"] for row in found["rows"]} == {"lab-1-cpu-0": True, "lab-1-cpu-1": True}
    assert found["rows"][0]["checks"]["step"] == {"ok": True, "text": "dddddddd", "fix": ""}
    assert [(link["from"], link["to"]) for link in found["links"]] == [
        ("lab-1-cpu-0", "lab-1-cpu-1"),
        ("lab-1-cpu-1", "lab-1-cpu-0"),
    ]
    assert client.get(URL).json()["results"][0]["state"] == "passed"
    assert not Lease.objects.filter(released_at=None).exists()


def test_the_devices_get_the_jobs_model_one_copy_each_and_steps_without_an_end(client, agents, job):
    post(client)
    scheduling.round(clock.now())
    spec = agents[0].assignments()[0]["spec"]
    assert spec["model"] == {"source": "job", "id": job.pk}
    assert (spec["parallel"]["strategy"], spec["method"]["kind"]) == ("ddp", "full")
    assert spec["training"]["max_steps"] == 1_000_000
    assert {file["name"] for file in agents[0].held["model"]["files"]} == {"model.safetensors", "config.json"}


def test_a_device_that_is_offline_has_its_own_red_row_and_the_rest_is_tested(client, agents):
    make_device("lab-9-cpu-0", state="offline")
    number = post(client).json()["id"]
    reply(agents)
    found = client.get(f"{URL}{number}/").json()
    assert found["state"] == "failed"
    red = [row for row in found["rows"] if row["ok"] is False]
    assert [(row["device"], row["checks"]["here"]["text"]) for row in red] == [("lab-9-cpu-0", "It is offline.")]


def test_a_stopped_test_frees_its_devices(client, agents):
    number = post(client).json()["id"]
    scheduling.round(clock.now())
    agents[0].ack()
    assert post(client, path=f"{number}/cancel/").json()["state"] == "cancelled"
    assert agents[0].lease(port=5000).json()["wanted"] == "stop"


def test_the_speed_test_says_whether_more_devices_helped(client, agents):
    number = post(client, {"kind": "speed"}).json()["id"]
    reply(agents, alone=trained(100, 110, 90), together=trained(190, 200, 180, batch=128))
    found = client.get(f"{URL}{number}/").json()
    assert (found["state"], found["speed"]["verdict"], found["speed"]["speedup"]) == ("passed", "helped", 1.9)
    page = client.get(f"/fleet/tests/{number}/").content.decode()
    assert "More devices helped: 190 samples/s together" in page


def test_a_speed_test_that_shows_no_difference_says_so_and_not_that_it_did_not_help(client, agents):
    number = post(client, {"kind": "speed"}).json()["id"]
    reply(agents, alone=trained(100, 110, 90), together=trained(105, 140, 150, batch=128))
    assert client.get(f"{URL}{number}/").json()["state"] == "unclear"
    for page in (f"/fleet/tests/{number}/", "/fleet/tests/"):
        text = client.get(page).content.decode()
        assert "No clear difference" in text and "Did not help" not in text


def test_what_cannot_be_tested_is_refused_with_a_sentence(client):
    errors = post(client, {"devices": ["nowhere"], "kind": "x"}).json()["errors"]
    assert "kind" in errors
    assert "devices.0" in post(client, {"devices": ["nowhere"]}).json()["errors"]
    assert "devices" in post(client, {"devices": []}).json()["errors"]
    assert "left no model" in post(client, {"job": 999}).json()["errors"]["job"][0]
    assert "artifact" in post(client, {"artifact": "none.onnx"}).json()["errors"]
    assert not FleetTest.objects.exists()


def test_who_may_not_run_may_look_but_not_test(client):
    number = post(client).json()["id"]
    client.force_login(make_user("viewer", role="viewer"))
    assert client.get(f"{URL}{number}/").status_code == 200
    assert post(client).status_code == 403
    assert post(client, path=f"{number}/cancel/").status_code == 403
    client.force_login(make_user("stranger", role=""))
    assert client.get(f"{URL}{number}/").status_code == 404


def test_the_pages_start_a_test_follow_it_and_keep_it(client, agents):
    assert "No test yet" in client.get("/fleet/tests/").content.decode()
    slugs = list(Device.objects.values_list("slug", flat=True))
    answer = client.post("/fleet/tests/", {"kind": "fit", "device": slugs})
    page = client.get(answer.headers["Location"]).content.decode()
    assert "data-poll-url" in page and page.count('data-testid="fit-row"') == 2
    reply(agents)
    page = client.get(answer.headers["Location"] + "?part=now").content.decode()
    assert "data-poll-url" not in page and 'data-verdict="ok"' in page and 'data-verdict="bad"' not in page
    assert "Fit #" in client.get("/fleet/tests/").content.decode()
