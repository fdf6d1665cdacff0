"""An agent's sign of life: online, one speaker a device, environment and readings kept."""

from datetime import timedelta

import pytest
from django.utils import timezone

from contract.environment import identity
from devices import hooks, services
from devices.models import Device, DeviceState, EnvironmentChange, Reading
from tests.accounts.factories import make_admin
from tests.devices.agents import ONE, TWO, beat
from tests.devices.factories import ENVIRONMENT, make_credential, make_device, make_host

pytestmark = pytest.mark.django_db


def heard(device: Device, seconds_ago: float) -> None:
    Device.objects.filter(pk=device.pk).update(last_seen_at=timezone.now() - timedelta(seconds=seconds_ago))


def test_a_heartbeat_turns_a_device_online():
    device = make_device(state=DeviceState.OFFLINE, last_seen_at=None)
    answer = beat(make_credential(device), address="10.0.0.5", fabric_interface="eth1", last_ring=1_790_000_000.0)
    assert answer.status_code == 200
    assert answer.json()["wanted"] == "online"
    assert abs(answer.json()["server_time"] - timezone.now().timestamp()) < 5
    device.refresh_from_db()
    assert (device.state, device.address, device.interface) == (DeviceState.ONLINE, "10.0.0.5", "eth1")
    assert device.last_ring_at.timestamp() == 1_790_000_000.0
    assert device.process == ONE


def test_a_second_agent_waits_while_the_first_lives():
    device = make_device(last_seen_at=None)
    credential = make_credential(device)
    assert beat(credential, ONE).status_code == 200
    thief = beat(credential, TWO)
    assert (thief.status_code, thief.json()["code"]) == (409, "device-taken")
    assert beat(credential, ONE).status_code == 200


def test_a_second_agent_takes_over_after_ten_seconds_of_silence():
    device = make_device()
    credential = make_credential(device)
    beat(credential, ONE)
    heard(device, seconds_ago=9)
    assert beat(credential, TWO).status_code == 409
    heard(device, seconds_ago=10.1)
    assert beat(credential, TWO).status_code == 200
    assert beat(credential, ONE).status_code == 409


def test_an_agent_that_has_seen_the_one_before_gone_takes_over_at_once():
    credential = make_credential(make_device())
    beat(credential, ONE)
    assert beat(credential, TWO, replaces={"boot_id": "b0", "pid": 1, "start_ticks": 1}).status_code == 409
    assert beat(credential, TWO, replaces=dict(reversed(ONE.items()))).status_code == 200


def test_a_draining_device_is_told_so_and_stays_draining():
    device = make_device()
    services.drain(device, make_admin())
    assert beat(make_credential(device)).json()["wanted"] == "draining"
    device.refresh_from_db()
    assert device.state == DeviceState.DRAINING


def test_the_environment_is_asked_for_until_it_is_the_one_held():
    host = make_host(torch="2.12.0")
    device = make_device(host=host)
    credential, new = make_credential(device), dict(ENVIRONMENT)
    assert beat(credential, environment_hash=identity(new)).json()["environment_hash"] == ""
    answer = beat(credential, environment_hash=identity(new), environment=new)
    assert answer.json()["environment_hash"] == identity(new)
    host.refresh_from_db()
    assert host.environment["torch"] == "2.13.0+cpu"
    assert EnvironmentChange.objects.get().changes == {"torch": ["2.12.0", "2.13.0+cpu"]}
    beat(credential, environment_hash=identity(new), environment=new)
    assert EnvironmentChange.objects.count() == 1


def test_two_devices_of_a_host_that_differ_do_not_ask_each_other_for_ever():
    host = make_host()
    one, two = (make_credential(make_device(slug, host)) for slug in ("a", "b"))
    for credential, torch in ((one, "2.13.0"), (two, "2.12.0")):
        facts = ENVIRONMENT | {"torch": torch}
        beat(credential, environment_hash=identity(facts), environment=facts)
    first = ENVIRONMENT | {"torch": "2.13.0"}
    assert beat(one, environment_hash=identity(first)).json()["environment_hash"] == identity(first)


def test_what_a_device_says_is_input_and_not_truth():
    device = make_device()
    facts = ENVIRONMENT | {"is_admin": True, "os": "x" * 9000, "cpu": ["a"], "torch": "<b>2</b>"}
    reading = {"system/cpu_percent": 40.0, "cpu": 1, "system/x": "y", "system/y": True}
    beat(make_credential(device), environment_hash="h" * 900, environment=facts, reading=reading, last_ring=1e300)
    device.refresh_from_db()
    device.host.refresh_from_db()
    assert device.reading == {"system/cpu_percent": 40.0}
    assert device.last_ring_at is None
    assert set(device.host.environment) <= set(ENVIRONMENT)
    assert len(device.host.environment["os"]) == 300
    assert len(device.host.environment_hash) == 64


def test_readings_are_kept_for_the_charts():
    device = make_device()
    credential = make_credential(device)
    for percent in (10.0, 20.0):
        beat(credential, reading={"system/cpu_percent": percent})
    assert [row.values["system/cpu_percent"] for row in Reading.objects.order_by("at")] == [10.0, 20.0]


def test_the_apps_upstairs_hear_of_it(monkeypatch, django_capture_on_commit_callbacks):
    seen, changed = [], []
    monkeypatch.setattr(hooks, "after_heartbeat", [lambda device, message: seen.append((device.slug, message.data))])
    monkeypatch.setattr(hooks, "fleet_changed", [lambda: changed.append(1)])
    credential = make_credential(make_device("a", state=DeviceState.OFFLINE))
    for _ in range(2):
        with django_capture_on_commit_callbacks(execute=True):
            beat(credential, data=["ab12"])
    assert seen == [("a", ["ab12"])] * 2
    assert changed == [1]
