"""Errands that meet: claimed together, told one place to meet, and not left waiting for one that will never come."""

from datetime import timedelta

import pytest

from catalog.models import PreparedState
from devices.models import Lease
from jobs import claims, clock, errands, gangs, scheduling
from jobs.models import Errand
from tests.devices.factories import make_lease
from tests.jobs.factories import make_gang, make_owner, make_prepared, make_version

pytestmark = pytest.mark.django_db


@pytest.fixture
def agents():
    return make_gang()


@pytest.fixture
def maria():
    return make_owner()


@pytest.fixture
def sent(agents, maria):
    prepared = make_prepared(make_version(maria))
    payload = {"spec": {}, "prepared": prepared.pk, "source": None, "artifact": "model.onnx"}
    return gangs.create("fleet-test", maria, [agent.device for agent in agents], payload, clock.now())


def states() -> list[str]:
    return list(Errand.objects.order_by("pk").values_list("state", flat=True))


def test_a_gang_gets_all_its_devices_and_a_rank_on_each(agents, sent):
    scheduling.round(clock.now())
    assigned = [agent.assignments()[0] for agent in agents]
    assert [(one["rank"], one["world_size"], one["id"]) for one in assigned] == [
        (0, 2, sent[0].pk),
        (1, 2, sent[1].pk),
    ]
    assert assigned[0]["errand"] == {"kind": "fleet-test", "artifact": "model.onnx"}


def test_a_gang_takes_no_device_while_one_of_them_is_busy(agents, sent):
    lease = make_lease(agents[1].device)
    scheduling.round(clock.now())
    assert states() == ["pending", "pending"]
    assert not Lease.objects.filter(errand_id=sent[0].pk).exists()
    Lease.objects.filter(pk=lease.pk).update(released_at=clock.now())
    scheduling.round(clock.now())
    assert states() == ["running", "running"]


def test_a_gang_waits_for_its_data(agents, sent):
    prepared = make_prepared(make_version(slug="other"), state=PreparedState.BUILDING)
    Errand.objects.update(payload={"prepared": prepared.pk})
    scheduling.round(clock.now())
    assert states() == ["pending", "pending"]


def test_all_meet_at_the_port_of_rank_0_once_every_device_has_acknowledged(agents, sent):
    scheduling.round(clock.now())
    agents[0].ack()
    assert agents[0].lease(port=5007, address="10.0.0.1").json()["rendezvous"] is None
    agents[1].ack()
    assert agents[1].lease(address="10.0.0.2").json()["rendezvous"] is None
    told = [agent.lease(port=port, address="10.0.0.1").json() for agent, port in zip(agents, (5007, 0), strict=True)]
    assert [answer["rendezvous"]["port"] for answer in told] == [5007, 5007]
    assert {answer["resume_step"] for answer in told} == {0}


def test_a_device_that_went_offline_before_the_claim_is_left_out_and_the_rest_goes_on(agents, sent):
    type(agents[0].device).objects.filter(pk=agents[0].device.pk).update(state="offline")
    scheduling.round(clock.now())
    assert states() == ["failed", "running"]
    sent[0].refresh_from_db()
    assert sent[0].answer["reason"] == "device_lost"
    assert (agents[1].assignments()[0]["rank"], agents[1].assignments()[0]["world_size"]) == (0, 1)


def test_nobody_waits_for_a_device_that_is_lost_before_the_meeting(agents, sent):
    scheduling.round(clock.now())
    agents[0].ack()
    errands.lose(sent[1].pk, agents[1].device.pk, clock.now())
    sent[0].refresh_from_db()
    assert sent[0].answer == {"ok": False, "reason": "start_timeout", "missing": "lab-1-cpu-1"}
    assert agents[0].lease(port=5007).json()["wanted"] == "stop"


def test_a_device_that_is_lost_after_the_meeting_leaves_the_rest_to_find_out(agents, sent):
    scheduling.round(clock.now())
    for agent in agents:
        agent.ack()
    agents[0].lease(port=5007)
    errands.lose(sent[1].pk, agents[1].device.pk, clock.now())
    assert states() == ["running", "failed"]


def test_the_page_can_tell_what_a_device_is_doing(agents, sent):
    scheduling.round(clock.now())
    agents[0].ack()
    agents[0].lease(port=5007, stage="links")
    sent[0].refresh_from_db()
    assert sent[0].stage == "links"


def test_a_gang_that_never_gets_its_devices_ends_in_time(agents, sent):
    errands.end_overdue(clock.now() + timedelta(seconds=claims.GANG_S + 1))
    assert states() == ["pending", "pending"]
    errands.end_overdue(clock.now() + timedelta(seconds=errands.PATIENCE_S + 1))
    assert states() == ["failed", "failed"]
