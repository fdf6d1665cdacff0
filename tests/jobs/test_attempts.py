"""An attempt from its claim to its end, told by fake agents over the real protocol."""

import pytest

from jobs import clock, scheduling
from tests.devices.factories import make_device
from tests.jobs.factories import FakeAgent, bring_to_running, make_job

pytestmark = pytest.mark.django_db


@pytest.fixture
def gang():
    """Two online devices and their agents."""
    return [FakeAgent(make_device(f"lab-1-cpu-{index}")) for index in range(2)]


def claimed(**parts):
    job = make_job(**parts)
    assert scheduling.round(clock.now()) == 1
    job.refresh_from_db()
    return job


def state_of(job):
    job.refresh_from_db()
    return job.state


def test_a_job_goes_from_claim_to_success_when_both_ranks_succeed(gang):
    job = claimed()
    bring_to_running(job, *gang)
    for agent in gang:
        agent.stage("fine_tune", step=100, weights_hash="same", steps=100)
    assert gang[0].exit().status_code == 200
    assert state_of(job) == "running"
    assert gang[1].exit().status_code == 200
    assert state_of(job) == "succeeded"
    assert [step.to_state for step in job.transitions.all()] == [
        "pending",
        "claimed",
        "starting",
        "running",
        "succeeded",
    ]
    assert not any(agent.device.leases.filter(released_at=None).exists() for agent in gang)
