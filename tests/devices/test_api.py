"""REST of hosts, devices, readings and join tokens, as `api.md` names them."""

from datetime import timedelta

import pytest
from django.utils import timezone

from devices import services
from devices.models import Device, DeviceState, EnrolmentToken, Reading
from tests.accounts.factories import bearer, make_admin, make_token, make_user
from tests.devices.agents import enrol
from tests.devices.factories import make_device, make_lease

pytestmark = pytest.mark.django_db
JSON = "application/json"


@pytest.fixture
def api(client):
    """Calls with the token of an admin: `api("get", "/devices/")`."""
    headers = bearer(make_token(make_admin(), "admin"))

    def call(method: str, path: str, body=None, **more):
        return getattr(client, method)(f"/api/v1{path}", body, JSON, headers=headers | more)

    return call


def test_lists_are_paged_and_carry_state_and_environment(api):
    device = make_device()
    listed = api("get", "/devices/").json()
    assert set(listed) == {"count", "next", "previous", "results"}
    (row,) = listed["results"]
    assert (row["slug"], row["state"], row["host"], row["busy"]) == (device.slug, "online", "lab-1", False)
    assert row["environment"]["torch"] == "2.13.0+cpu"
    assert row["last_seen_at"].endswith("Z")
    assert api("get", f"/devices/{device.slug}/").json() == row
    assert api("get", "/hosts/").json()["results"][0]["devices"] == [device.slug]
    assert api("get", f"/hosts/{device.host_id}/").json()["name"] == "lab-1"


def test_the_list_filters_by_state(api):
    make_device("a")
    make_device("b", state=DeviceState.OFFLINE)
    found = api("get", "/devices/?state=offline").json()["results"]
    assert [row["slug"] for row in found] == ["b"]


def test_a_patch_renames_labels_drains_and_resumes(api):
    make_device("a")
    changed = api("patch", "/devices/a/", {"name": "bench", "labels": ["fast"], "drain": True, "reason": "fan swap"})
    assert changed.status_code == 200
    row = changed.json()
    assert (row["name"], row["labels"], row["state"]) == ("bench", ["fast"], "draining")
    assert row["drain"] == {"by": "ada", "reason": "fan swap"}
    assert api("patch", "/devices/a/", {"drain": False}).json()["state"] == "online"


@pytest.mark.parametrize("field", ["state", "fence", "id", "slug", "environment", "nonsense"])
def test_what_may_not_be_changed_is_named(api, field):
    make_device("a")
    answer = api("patch", "/devices/a/", {field: 1})
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [field]
    assert Device.objects.get().fence == 0


@pytest.mark.parametrize(
    "body", [{"drain": "yes"}, {"name": 7}, {"labels": "a"}, {"drain": True, "running": "jump"}, {"reason": 1}, []]
)
def test_values_of_another_kind_are_refused_and_nothing_changes(api, body):
    make_device("a")
    assert api("patch", "/devices/a/", body).status_code == 400
    assert Device.objects.get().name == "a"


def test_a_change_made_meanwhile_is_not_overwritten(api):
    make_device("a")
    tag = api("get", "/devices/a/")["ETag"]
    assert api("patch", "/devices/a/", {"name": "one"}, **{"If-Match": tag}).status_code == 200
    late = api("patch", "/devices/a/", {"name": "two"}, **{"If-Match": tag})
    assert late.status_code == 412
    assert Device.objects.get().name == "one"


def test_a_removed_device_is_gone_with_who_and_when(client):
    admin = make_admin()
    client.force_login(admin)
    make_lease(make_device("a"))
    refused = client.delete("/api/v1/devices/a/")
    assert refused.status_code == 409
    assert "Drain it first" in refused.json()["detail"]
    assert client.delete("/api/v1/devices/a/?force=1").status_code == 204
    gone = client.get("/api/v1/devices/a/")
    assert gone.status_code == 410
    assert "removed by ada at 20" in gone.json()["detail"]
    assert client.get("/api/v1/devices/").json()["count"] == 0


def test_no_token_removes_registers_or_makes_join_tokens(api):
    make_device("a")
    assert api("delete", "/devices/a/").status_code == 403
    assert api("post", "/join-tokens/", {}).status_code == 403
    assert not EnrolmentToken.objects.exists()


def test_an_operator_sees_devices_and_is_told_who_may_change_them(client):
    make_device("a")
    make_admin()
    client.force_login(make_user())
    assert client.get("/api/v1/devices/a/").status_code == 200
    refused = client.patch("/api/v1/devices/a/", {"drain": True}, JSON)
    assert (refused.status_code, refused.json()["detail"]) == (403, "Needs Admin. Ask an admin: ada.")
    assert client.post("/api/v1/join-tokens/", {}, JSON).status_code == 403


def test_an_unknown_device_is_not_there(api):
    for method in ("get", "patch", "delete"):
        assert api(method, "/devices/nowhere/").status_code == 404


def test_readings_of_a_span_oldest_first(api):
    device, now = make_device("a"), timezone.now()
    for minutes in (1, 5, 60):
        values = {"system/cpu_percent": minutes}
        Reading.objects.create(device=device, at=now - timedelta(minutes=minutes), values=values)
    short = api("get", "/devices/a/readings/").json()["readings"]
    assert [row["values"]["system/cpu_percent"] for row in short] == [5, 1]
    assert len(api("get", "/devices/a/readings/?span=24h").json()["readings"]) == 3
    assert api("get", "/devices/a/readings/?span=1y").status_code == 400


def test_a_join_token_is_made_used_and_withdrawn(client):
    admin = make_admin()
    client.force_login(admin)
    row = services.add("bench", "lab-3", admin)
    made = client.post("/api/v1/join-tokens/", {"device": row.slug}, JSON)
    assert made.status_code == 201
    assert made.json()["token"] in made.json()["commands"]["curl"]
    assert enrol(made.json()["token"]).json()["devices"][0]["id"] == row.pk
    other = client.post("/api/v1/join-tokens/", {"host": "lab-4", "labels": ["x"]}, JSON).json()
    assert client.delete(f"/api/v1/join-tokens/{other['id']}/").status_code == 204
    assert enrol(other["token"]).status_code == 410
    assert client.post("/api/v1/join-tokens/", {"device": "nowhere"}, JSON).status_code == 400
