"""Pages of devices: who may do what, the filter, and the join command that is shown once."""

import pytest
from django.test import Client
from django.urls import reverse

from devices.models import Device, EnrolmentToken, Host
from tests.accounts.factories import make_admin, make_user
from tests.devices.factories import make_device, make_host, make_lease

pytestmark = pytest.mark.django_db


def client_of(user) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def admin():
    return client_of(make_admin())


def test_the_list_groups_by_host_and_filters_by_what_is_shown(admin):
    make_device("gpu-1", make_host("bench"), state="offline")
    busy = make_device("cpu-1", make_host("lab"))
    make_lease(busy)
    text = admin.get("/devices/").content.decode()
    assert text.index(">bench<") < text.index(">lab<")
    only = admin.get("/devices/?q=state:busy").content.decode()
    assert 'data-device="cpu-1"' in only
    assert 'data-device="gpu-1"' not in only
    nothing = admin.get("/devices/?q=nowhere").content.decode()
    assert "Clear filters" in nothing
    assert "cannot be filtered by &#x27;colour&#x27;" in admin.get("/devices/?q=colour:red").content.decode()


def test_draining_several_says_how_many_are_offline(admin):
    make_device("cpu-1")
    make_device("cpu-2")
    make_device("old", make_host("old"), state="offline")
    asked = {"do": "drain", "reason": "fan swap", "device": ["cpu-1", "cpu-2", "old"]}
    text = admin.post("/devices/", asked, follow=True).content.decode()
    assert "2 devices will drain, 1 is offline." in text
    assert set(Device.objects.values_list("drain_reason", flat=True)) == {"fan swap"}
    admin.post("/devices/", {"do": "resume", "device": ["cpu-1", "cpu-2", "old"]})
    assert not Device.objects.filter(draining=True).exists()


def test_only_an_admin_adds_drains_or_removes(client):
    make_device("cpu-1")
    operator = client_of(make_user())
    assert operator.get("/devices/").status_code == 200
    assert "Add device" not in operator.get("/devices/").content.decode()
    for path, body in (
        ("/devices/add/", {"name": "x"}),
        ("/devices/", {"do": "drain", "device": "cpu-1"}),
        ("/devices/cpu-1/", {"do": "drain"}),
        ("/devices/cpu-1/", {"do": "rename", "name": "x"}),
        ("/devices/cpu-1/", {"do": "remove"}),
        ("/devices/cpu-1/join/", {}),
    ):
        assert operator.post(path, body).status_code == 403, path
    assert client.get("/devices/").status_code == 302
    assert EnrolmentToken.objects.count() == 0


def test_adding_a_device_shows_its_command_in_that_answer_only(admin):
    answer = admin.post("/devices/add/", {"name": "gpu-3", "host": "bench", "labels": "24gb, lab"}).content.decode()
    token = answer.split("--token ")[1].split("<")[0].split("\n")[0].strip()
    assert token.startswith("fle_") or len(token) > 20
    device = Device.objects.get(slug="gpu-3")
    assert (device.host.name, device.labels, device.state) == ("bench", ["24gb", "lab"], "joining")
    assert token not in admin.get("/devices/gpu-3/").content.decode()
    assert token not in admin.get("/devices/gpu-3/steps/").content.decode()


def out_of_reach(text: str) -> str:
    return text.split('data-testid="out-of-reach"')[1][:900] if "out-of-reach" in text else ""


@pytest.mark.parametrize("path", ["/devices/add/", "/admin/devices/device/add/"])
def test_a_server_on_loopback_says_before_and_beside_the_command_which_variables_to_set(admin, settings, path):
    settings.FLEETUNE_HOST = "127.0.0.1"
    asked = {"name": "gpu-3", "host": "bench", "host_name": "bench", "labels": "", "label_list": ""}
    shown = out_of_reach(admin.post(path, asked, headers={"host": "127.0.0.1:8000"}).content.decode())
    assert "listens on 127.0.0.1 only" in shown and "FLEETUNE_HOST" in shown and "FLEETUNE_ALLOW_PLAIN_HTTP=1" in shown
    assert out_of_reach(admin.get("/devices/add/", headers={"host": "[::1]:8000"}).content.decode())


def test_a_server_that_others_reach_warns_only_where_the_command_would_name_loopback(admin, settings):
    settings.ALLOWED_HOSTS = ["*"]
    settings.FLEETUNE_HOST = "0.0.0.0"
    assert not out_of_reach(admin.get("/devices/add/", headers={"host": "10.0.0.5:8000"}).content.decode())
    assert "server's own address" in out_of_reach(
        admin.get("/devices/add/", headers={"host": "localhost:8000"}).content.decode()
    ).replace("&#x27;", "'")
    settings.FLEETUNE_HOST = "127.0.0.1"
    assert not out_of_reach(admin.get("/devices/add/", headers={"host": "tunes.example"}).content.decode())


def test_a_label_that_cannot_be_one_is_named(admin):
    text = admin.post("/devices/add/", {"name": "gpu-3", "labels": "two words"}).content.decode()
    assert "cannot be a label" in text
    assert not Device.objects.exists()
    assert not Host.objects.exists()


def test_a_device_shows_the_facts_of_its_host_and_what_was_not_reported(admin):
    host = make_host("lab-1")
    host.environment.pop("kernel")
    host.save()
    make_device("cpu-1", host)
    text = admin.get("/devices/cpu-1/").content.decode()
    assert text.count("data-fact=") == 9
    assert "2.13.0+cpu" in text
    assert "not reported" in text
    assert admin.get(reverse("device_environment", args=["cpu-1"])).json()["environment"]["python"] == "3.11.9"


def test_a_busy_device_stays_and_a_free_one_goes(admin):
    device = make_device("cpu-1")
    lease = make_lease(device)
    text = admin.post("/devices/cpu-1/", {"do": "remove"}, follow=True).content.decode()
    assert "so it stays" in text
    lease.delete()
    admin.post("/devices/cpu-1/", {"do": "remove"})
    device.refresh_from_db()
    assert device.removed_at is not None
    assert admin.get("/devices/cpu-1/").status_code == 404
