"""S20, S22: who a device is, its credential alone says; rotated and revoked ones end."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from contract.agent_calls import PROTOCOL
from devices import services
from devices.models import Credential, DeviceState
from tests.accounts.factories import make_admin, make_token, make_user
from tests.devices.agents import ONE, beat, call
from tests.devices.factories import make_credential, make_device

pytestmark = pytest.mark.django_db


def test_after_a_rotation_the_old_one_lives_an_hour():
    device = make_device()
    old = make_credential(device)
    answer = call("credential", old, {})
    assert answer.status_code == 201
    new = answer.json()["credential"]
    assert beat(new).status_code == beat(old).status_code == 200
    left = Credential.objects.get(expires_at__isnull=False).expires_at - timezone.now()
    assert timedelta(minutes=59) < left <= timedelta(hours=1)
    Credential.objects.filter(expires_at__isnull=False).update(expires_at=timezone.now())
    assert beat(old).status_code == 401
    assert beat(new).status_code == 200


def test_a_revoked_one_and_a_removed_device_s_are_refused_at_once():
    admin, first, second = make_admin(), make_device("a"), make_device("b")
    one, two = make_credential(first), make_credential(second)
    services.revoke(first, admin)
    services.remove(second, admin)
    for credential in (one, two, "fld_unknown", ""):
        answer = beat(credential)
        assert (answer.status_code, answer.json()["code"]) == (401, "unknown-credential")
    first.refresh_from_db()
    assert first.state == DeviceState.OFFLINE


def test_a_person_s_token_and_session_open_nothing_here(client):
    user = make_user()
    assert beat(make_token(user)).status_code == 401
    client.force_login(user)
    assert client.post("/agent/v1/heartbeat", {}, "application/json").status_code == 401


def test_a_device_s_credential_opens_nothing_but_its_protocol(client):
    credential = make_credential(make_device())
    for path in ("/api/v1/devices/", "/api/v1/projects/"):
        assert client.get(path, headers={"Authorization": f"Bearer {credential}"}).status_code == 401


def test_a_body_that_names_a_device_is_refused():
    one, other = make_device("one"), make_device("other")
    answer = beat(make_credential(one), device=other.pk)
    assert (answer.status_code, answer.json()["code"]) == (400, "names-a-device")
    other.refresh_from_db()
    assert other.process == {}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ([], "not-a-message"),
        ({"v": 99}, "other-version"),
        ({"v": PROTOCOL}, "not-a-message"),
        (
            {"v": PROTOCOL, "process": ONE, "environment_hash": "", "data": json.loads("[" * 40 + "]" * 40)},
            "not-a-message",
        ),
    ],
)
def test_an_unreadable_body_is_refused_by_its_kind(body, code):
    answer = call("heartbeat", make_credential(make_device()), body)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_text_that_is_no_json_and_a_body_too_large_are_refused(client):
    headers = {"Authorization": f"Bearer {make_credential(make_device())}"}
    broken = client.generic("POST", "/agent/v1/heartbeat", "{", "application/json", headers=headers)
    deep = client.generic("POST", "/agent/v1/heartbeat", "[" * 200_000, "application/json", headers=headers)
    large = client.generic("POST", "/agent/v1/heartbeat", "x" * 2_700_000, "application/json", headers=headers)
    assert [broken.status_code, deep.status_code, large.status_code] == [400, 400, 413]


def test_another_method_is_refused():
    answer = call("heartbeat", make_credential(make_device()), method="GET")
    assert answer.status_code == 405
