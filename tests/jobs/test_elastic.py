"""A device lost for good: its job goes on with another, or with fewer when that is allowed, and grows again."""

from datetime import timedelta

import pytest

from contract.problems import Invalid
from contract.spec import JobSpec
from devices.models import Device
from jobs import clock, resizing, scheduling
from jobs.models import Attempt, Job
from jobs.sentences import ends
from tests.devices.factories import make_device
from tests.jobs.factories import FakeAgent, bring_to_running, listed, make_gang, make_job, make_running

pytestmark = pytest.mark.django_db
ELASTIC = {"schedule": {"min_devices": 1}}


def lose(agent: FakeAgent) -> None:
    Device.objects.filter(pk=agent.device.pk).update(state="offline")


def slugs(job: Job) -> list[str]:
    attempt = job.attempts.order_by("-number").first()
    return [rank.device.slug for rank in attempt.ranks.select_related("device")]


@pytest.fixture
def gang() -> list[FakeAgent]:
    return make_gang(2)


def broken(gang: list[FakeAgent], **parts) -> Job:
    """A job whose second device went with everything on it, after both had saved at step 8."""
    job = make_running(*gang, **parts)
    for agent in gang:
        agent.save(8, "eight")
    gang[1].exit("failed", "device_lost", rank=1)
    gang[0].exit("cancelled", "user_cancelled")
    lose(gang[1])
    return job


def test_another_free_device_takes_the_place_of_a_lost_one(gang):
    job = broken(gang)
    make_device("lab-1-cpu-2")
    scheduling.round(clock.now())
    assert slugs(job) == ["lab-1-cpu-0", "lab-1-cpu-2"]


def test_a_job_that_must_have_all_its_devices_waits_for_the_lost_one(gang):
    job = broken(gang)
    assert scheduling.round(clock.now()) == 0
    job.refresh_from_db()
    assert (job.state, job.wait_reason) == ("pending", "device_offline")


def test_an_elastic_job_goes_on_with_fewer_from_its_checkpoint_and_keeps_its_global_batch(gang):
    job = broken(gang, **ELASTIC)
    assert scheduling.round(clock.now()) == 1
    assert slugs(job) == ["lab-1-cpu-0"]
    (assignment,) = gang[0].assignments()
    assert (assignment["world_size"], assignment["batch_devices"]) == (1, 2)
    gang[0].ack(listed(8, "eight"))
    assert job.attempts.get(number=2).resumed_from_step == 8


def test_it_does_not_shrink_while_a_device_of_its_last_gang_is_about_to_come_back(gang):
    job = make_running(*gang, **ELASTIC)
    gang[1].exit("failed", "killed", rank=1)
    assert scheduling.round(clock.now()) == 0
    gang[0].exit("cancelled", "user_cancelled")
    assert scheduling.round(clock.now()) == 1
    assert slugs(job) == ["lab-1-cpu-0", "lab-1-cpu-1"]


def test_its_first_attempt_has_all_that_was_asked_for(gang):
    lose(gang[1])
    make_job(2, **ELASTIC)
    assert scheduling.round(clock.now()) == 0


def test_it_never_goes_on_with_fewer_than_it_allows():
    agents = make_gang(3)
    job = make_running(*agents, devices={"count": 3}, schedule={"min_devices": 2})
    for agent in agents:
        agent.exit("failed", "killed", rank=0)
    lose(agents[1])
    lose(agents[2])
    assert scheduling.round(clock.now()) == 0
    assert job.attempts.count() == 1


def test_named_devices_may_be_fewer_too(gang):
    job = broken(gang, devices={"ids": ["lab-1-cpu-0", "lab-1-cpu-1"]}, **ELASTIC)
    assert scheduling.round(clock.now()) == 1
    assert slugs(job) == ["lab-1-cpu-0"]


def test_a_returning_device_is_taken_back_at_a_checkpoint(gang):
    job = broken(gang, **ELASTIC)
    scheduling.round(clock.now())
    bring_to_running(job, gang[0])
    Device.objects.update(state="online", last_seen_at=clock.now())
    scheduling.round(clock.now())
    assert job.attempts.get(number=2).state == "running", "a device that came and went would cost two restarts"
    Attempt.objects.filter(number=2).update(started_at=clock.now() - timedelta(seconds=resizing.SETTLED_S + 1))
    scheduling.round(clock.now())
    job.refresh_from_db()
    assert (job.state, job.reason_params["why"]) == ("draining", "resized")
    gang[0].save(20, "twenty")
    gang[0].exit("drained", "drained")
    job.refresh_from_db()
    told = ends.text("resized", job.attempts.get(number=2).reason_params, job)
    assert told == "Stopped at step 20 to go on with more devices: lab-1-cpu-1 is free again."
    assert (scheduling.round(clock.now()), job.failures) == (1, 0)
    assert slugs(job) == ["lab-1-cpu-0", "lab-1-cpu-1"]


def test_a_job_that_waits_gets_the_returning_device_first(gang):
    job = broken(gang, **ELASTIC)
    scheduling.round(clock.now())
    bring_to_running(job, gang[0])
    Attempt.objects.filter(number=2).update(started_at=clock.now() - timedelta(seconds=60))
    other = make_job(1)
    Device.objects.update(state="online", last_seen_at=clock.now())
    scheduling.round(clock.now())
    job.refresh_from_db()
    assert (job.state, slugs(other)) == ("running", ["lab-1-cpu-1"])


@pytest.mark.parametrize(
    "parts", [{"schedule": {"min_devices": 3}}, {"schedule": {"min_devices": 1}, "parallel": {"strategy": "pipeline"}}]
)
def test_what_cannot_be_elastic_is_refused(parts):
    body = {"task": "image-classification", "dataset": "shapes", "model": {"source": "conv"}, **parts}
    with pytest.raises(Invalid) as refused:
        JobSpec.parse(body)
    assert "schedule.min_devices" in {problem.path for problem in refused.value.problems}
