"""S19: a join token lets one host in, once, for 15 minutes."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from accounts.models import AuditEntry
from devices import enrolment, services
from devices.models import Credential, Device, DeviceState, EnrolmentToken, Host
from tests.accounts.factories import make_admin
from tests.devices.agents import OFFER, beat, enrol
from tests.devices.factories import make_device, make_host

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.postgres"]


def test_a_host_comes_in_with_its_devices_and_gets_a_credential_for_each():
    token = enrolment.make_token(make_admin(), host="lab-1", labels=["fast"])
    answer = enrol(token, devices=[OFFER, OFFER | {"index": 1, "cores": [2, 3]}])
    assert answer.status_code == 201
    told = answer.json()
    assert told["host"] == "lab-1"
    for device, row in zip(told["devices"], Device.objects.all(), strict=True):
        assert (device["id"], device["slug"]) == (row.pk, row.slug)
        assert device["queue"] == f"device.{row.pk}"
        assert device["key_prefix"] == f"fleetune:device:{row.pk}:"
        assert (row.state, row.labels) == (DeviceState.JOINING, ["fast"])
        assert beat(device["credential"]).status_code == 200
        assert device["credential"] not in str(Credential.objects.values())
    assert {row.slug for row in Device.objects.all()} == {"lab-1-cpu-0", "lab-1-cpu-1"}
    assert Device.objects.get(index=1).cores == [2, 3]
    assert AuditEntry.objects.filter(verb="device joined").count() == 2


def test_a_second_use_is_refused_and_says_when_the_first_was():
    token = enrolment.make_token(make_admin())
    assert enrol(token).status_code == 201
    again = enrol(token, "lab-2")
    assert (again.status_code, again.json()["code"]) == (409, "token-used")
    assert "already used at 20" in again.json()["detail"]
    assert Host.objects.count() == 1


def test_of_twenty_at_once_exactly_one_comes_in(each_database):
    token = enrolment.make_token(make_admin())

    def join(number):
        try:
            return enrol(token, f"lab-{number}").status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as pool:
        answers = sorted(pool.map(join, range(20)))
    assert answers == [201] + [409] * 19
    assert (Host.objects.count(), Device.objects.count(), Credential.objects.count()) == (1, 1, 1)


def test_an_expired_and_an_unknown_one_say_which_they_are():
    token = enrolment.make_token(make_admin())
    assert EnrolmentToken.objects.get().expires_at - timezone.now() <= timedelta(minutes=15)
    EnrolmentToken.objects.update(expires_at=timezone.now())
    expired, unknown = enrol(token), enrol("fle_of-another-server")
    assert (expired.status_code, expired.json()["code"]) == (410, "token-expired")
    assert (unknown.status_code, unknown.json()["code"]) == (410, "unknown-token")
    assert not Host.objects.exists()


def test_a_row_added_beforehand_turns_online_itself():
    admin = make_admin()
    row = services.add("bench", "lab-7", admin, labels=["left"])
    assert row.state == DeviceState.JOINING
    answer = enrol(enrolment.make_token(admin, device=row), host="what it calls itself", devices=[OFFER | {"index": 3}])
    assert answer.json()["devices"][0]["id"] == row.pk
    assert answer.json()["host"] == "lab-7"
    beat(answer.json()["devices"][0]["credential"])
    row.refresh_from_db()
    assert (row.state, row.index, row.name, row.labels) == (DeviceState.ONLINE, 3, "bench", ["left"])
    assert Device.objects.count() == 1


def test_two_rows_added_beforehand_may_join_in_any_order():
    admin = make_admin()
    first, second = (services.add(name, "lab-7", admin) for name in ("one", "two"))
    assert enrol(enrolment.make_token(admin, device=second)).status_code == 201
    first.refresh_from_db()
    second.refresh_from_db()
    assert (second.index, second.slug) == (0, "two")
    assert (first.index, first.state) == (2, DeviceState.JOINING)


def test_a_host_that_joins_anew_keeps_its_rows_and_its_old_credentials_end():
    admin = make_admin()
    old = enrol(enrolment.make_token(admin, host="lab-1")).json()["devices"][0]
    beat(old["credential"])
    new = enrol(enrolment.make_token(admin, host="lab-1")).json()["devices"][0]
    assert new["id"] == old["id"]
    assert beat(old["credential"]).status_code == 401
    assert beat(new["credential"]).status_code == 200


def test_a_row_that_joins_anew_keeps_its_place_among_those_of_its_host():
    admin = make_admin()
    both = [OFFER, OFFER | {"index": 1}]
    before = enrol(enrolment.make_token(admin, host="lab-1"), devices=both).json()["devices"]
    second = Device.objects.get(index=1)
    again = enrol(enrolment.make_token(admin, device=second), devices=both).json()["devices"]
    assert [device["id"] for device in again] == [device["id"] for device in before]
    assert Device.objects.count() == 2


def test_a_token_without_a_host_cannot_speak_for_one_that_is_here():
    device = make_device(host=make_host("lab-1"))
    answer = enrol(enrolment.make_token(make_admin()), host="lab-1")
    assert answer.json()["host"] == "lab-1-2"
    assert not device.credentials.exists()


def test_a_row_of_its_own_does_not_replace_another_joined_device():
    admin = make_admin()
    enrol(enrolment.make_token(admin, host="lab-1"))
    row = services.add("more", "lab-1", admin)
    token = enrolment.make_token(admin, device=row)
    answer = enrol(token)
    assert (answer.status_code, answer.json()["code"]) == (422, "cannot-enrol")
    assert "lab-1-cpu-0" in answer.json()["detail"]
    assert enrol(token, devices=[OFFER | {"index": 1}]).status_code == 201


@pytest.mark.parametrize(
    "devices",
    [[{"kind": "tpu", "index": 0}], [{"kind": "cpu", "index": -1}], [{"kind": "cpu"}], ["cpu"], [OFFER, OFFER],
     [OFFER] * 65, [OFFER | {"cores": ["a"]}], [OFFER | {"memory_bytes": True}]],
)  # fmt: skip
def test_an_impossible_offer_is_refused_and_the_token_stays_usable(devices):
    token = enrolment.make_token(make_admin())
    assert enrol(token, devices=devices).status_code == 422
    assert not Host.objects.exists()
    assert enrol(token).status_code == 201


def test_a_withdrawn_token_lets_nobody_in():
    admin = make_admin()
    token = enrolment.make_token(admin)
    enrolment.withdraw_token(EnrolmentToken.objects.get(), admin)
    assert enrol(token).status_code == 410


def test_the_command_prints_only_a_token_of_that_host(capsys):
    call_command("join_token", "--host", "lab-9")
    answer = enrol(capsys.readouterr().out.strip(), host="anything")
    assert answer.json()["host"] == "lab-9"


def test_a_removed_device_s_slug_is_not_given_again():
    admin = make_admin()
    enrol(enrolment.make_token(admin, host="lab-1"))
    services.remove(Device.objects.get(), admin)
    answer = enrol(enrolment.make_token(admin, host="lab-1"))
    assert answer.json()["devices"][0]["slug"] == "lab-1-cpu-0-2"
