"""Devices in the admin: add one, get its command, and that very row comes online."""

import re

import pytest

from accounts.models import AuditEntry
from devices.models import Device, DeviceState, Lease
from tests.accounts.factories import make_admin
from tests.accounts.pages import inline_parts
from tests.devices.agents import OFFER, beat, enrol
from tests.devices.factories import make_device, make_lease

pytestmark = pytest.mark.django_db
DEVICES = "/admin/devices/device/"


@pytest.fixture(autouse=True)
def root(client):
    user = make_admin()
    client.force_login(user)
    return user


def token_in(text: str) -> str:
    return re.search(r"fle_[\w-]+", text)[0]


def act(client, action: str, *devices: Device, **more):
    return client.post(DEVICES, {"action": action, "_selected_action": [device.pk for device in devices], **more})


def test_a_device_added_here_shows_its_command_and_comes_online_as_that_row(client):
    page = client.post(f"{DEVICES}add/", {"name": "bench", "host_name": "lab-8", "label_list": "fast, left"})
    assert page.status_code == 200
    text = page.content.decode()
    assert inline_parts(text) == []
    assert "/agent/v1/join.py" in text
    row = Device.objects.get()
    assert (row.name, row.host.name, row.labels, row.state) == ("bench", "lab-8", ["fast", "left"], DeviceState.JOINING)
    told = enrol(token_in(text), host="whatever").json()["devices"][0]
    beat(told["credential"])
    row.refresh_from_db()
    assert (told["id"], row.state) == (row.pk, DeviceState.ONLINE)
    assert {"device added", "join token made", "device joined"} <= set(
        AuditEntry.objects.values_list("verb", flat=True)
    )


def test_the_token_is_on_no_page_afterwards(client):
    text = client.post(f"{DEVICES}add/", {"name": "bench", "host_name": "lab-8", "label_list": ""}).content.decode()
    row = Device.objects.get()
    for page in (DEVICES, f"{DEVICES}{row.pk}/change/", "/admin/accounts/auditentry/"):
        assert token_in(text) not in client.get(page).content.decode()


def test_a_bad_name_is_shown_at_its_field(client):
    long = client.post(f"{DEVICES}add/", {"name": "x" * 130, "host_name": "lab", "label_list": ""})
    assert "at most 120 characters" in long.content.decode()
    labels = client.post(f"{DEVICES}add/", {"name": "x", "host_name": "lab", "label_list": "y" * 61})
    assert "At most 20 labels of at most 60 characters." in labels.content.decode()
    assert not Device.objects.exists()


def test_drain_and_resume_are_the_same_as_on_the_page(client, root):
    one, two = make_device("one"), make_device("two")
    act(client, "drain", one, two)
    assert {device.state for device in Device.objects.all()} == {DeviceState.DRAINING}
    assert Device.objects.first().drained_by == root
    act(client, "resume", one, two)
    assert {device.state for device in Device.objects.all()} == {DeviceState.ONLINE}
    verbs = AuditEntry.objects.order_by("id").values_list("verb", "via")
    assert list(verbs) == [("drained", "admin")] * 2 + [("resumed", "admin")] * 2


def test_a_new_join_token_belongs_to_one_device(client):
    one, two = make_device("one"), make_device("two")
    assert act(client, "new_join_token", one, two).status_code == 302
    token = token_in(act(client, "new_join_token", two).content.decode())
    told = enrol(token, devices=[OFFER | {"index": two.index}]).json()["devices"]
    assert [device["id"] for device in told] == [two.pk]


def test_removing_asks_first_and_names_what_runs(client):
    one = make_device("one")
    make_lease(one)
    asked = act(client, "remove", one).content.decode()
    assert "something runs here" in asked
    assert inline_parts(asked) == []
    assert Device.objects.get().removed_at is None
    assert act(client, "remove", one, confirmed="Remove").status_code == 302
    assert Device.objects.get().removed_at is not None
    assert client.post(f"{DEVICES}{one.pk}/delete/", {"post": "yes"}).status_code in (302, 403)


def test_a_change_goes_through_the_service(client):
    one = make_device("one")
    client.post(f"{DEVICES}{one.pk}/change/", {"name": "bench", "label_list": "a,b", "fence": 99, "state": "offline"})
    one.refresh_from_db()
    assert (one.name, one.labels, one.fence, one.state) == ("bench", ["a", "b"], 0, DeviceState.ONLINE)
    assert AuditEntry.objects.get().via == "admin"


@pytest.mark.parametrize("model", ["lease", "reading", "environmentchange"])
def test_history_is_read_only(client, model):
    make_lease(make_device())
    assert client.get(f"/admin/devices/{model}/").status_code == 200
    assert client.get(f"/admin/devices/{model}/add/").status_code == 403
    lease = Lease.objects.get()
    assert client.post(f"/admin/devices/lease/{lease.pk}/delete/", {"post": "yes"}).status_code == 403
