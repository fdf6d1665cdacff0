"""An urgent job gets the devices of less urgent ones that allow it, and of nobody else."""

import pytest

from jobs import clock, preemption, scheduling
from jobs.models import Job
from jobs.sentences import ends, waits
from tests.devices.factories import make_device
from tests.jobs.factories import FakeAgent, make_gang, make_job, make_running

pytestmark = pytest.mark.django_db
ALLOWS = {"schedule": {"preemptible": True}}
URGENT = {"schedule": {"priority": 5}}


def round_() -> None:
    scheduling.round(clock.now())


def state(job: Job) -> str:
    job.refresh_from_db()
    return job.state


def test_a_job_that_allows_it_leaves_at_a_checkpoint_and_waits_again():
    gang = make_gang()
    victim = make_running(*gang, **ALLOWS)
    for agent in gang:
        agent.save(7, "seven")
    urgent = make_job(2, **URGENT)
    round_()
    assert (state(victim), state(urgent), victim.reason_params["for_job"]) == ("draining", "pending", urgent.pk)
    assert gang[0].lease().json()["wanted"] == "drain"
    round_()
    assert "is just leaving it" in waits.line(again(urgent).wait_reason, again(urgent).reason_params, urgent).text
    for agent in gang:
        agent.exit("drained", "drained")
    assert (state(victim), victim.failures) == ("pending", 0)
    attempt = victim.attempts.get()
    told = ends.text(attempt.end_reason, attempt.reason_params, victim)
    assert told == f"Gave its devices to job #{urgent.pk}, which is more urgent, at step 7."
    round_()
    assert (state(urgent), state(victim)) == ("claimed", "pending")


@pytest.mark.parametrize("running", [{}, {"schedule": {"preemptible": True, "priority": 5}}])
def test_a_job_that_does_not_allow_it_or_is_as_urgent_is_left_alone(running):
    victim = make_running(*make_gang(), **running)
    make_job(2, **URGENT)
    round_()
    assert state(victim) == "running"


def test_the_least_urgent_and_no_more_than_needed_must_leave():
    agents = make_gang(3)
    jobs = [
        make_running(agent, devices={"count": 1}, schedule={"preemptible": True, "priority": priority})
        for agent, priority in zip(agents, (1, -3, 2), strict=True)
    ]
    make_job(1, **URGENT)
    for _ in range(3):
        round_()
    assert [state(job) for job in jobs] == ["running", "draining", "running"]


def test_nobody_must_leave_when_that_would_not_do():
    first, second = make_gang(2)
    allows = make_running(first, devices={"count": 1}, **ALLOWS)
    make_running(second, devices={"count": 1})
    make_job(2, **URGENT)
    round_()
    assert state(allows) == "running"


def test_nobody_must_leave_for_a_job_that_another_free_device_will_do_for():
    make_running(*make_gang(1), **ALLOWS)
    make_device("lab-1-cpu-1")
    urgent = make_job(1, **URGENT)
    round_()
    assert state(urgent) == "claimed"
    assert not Job.objects.filter(state="draining").exists()


def test_two_urgent_jobs_do_not_count_on_the_same_devices():
    agents = make_gang(2)
    victims = [make_running(agent, devices={"count": 1}, **ALLOWS) for agent in agents]
    for _ in range(2):
        make_job(1, **URGENT)
    for _ in range(2):
        round_()
    assert [state(victim) for victim in victims] == ["draining", "draining"]


def test_a_job_that_names_its_devices_takes_those():
    agents = make_gang(2)
    victims = [make_running(agent, devices={"count": 1}, **ALLOWS) for agent in agents]
    make_job(ids=["lab-1-cpu-0"], **URGENT)
    round_()
    assert sorted(map(state, victims)) == ["draining", "running"]
    assert state(victims[0]) == "draining"
    assert isinstance(agents[0], FakeAgent)
    assert preemption.make_room([], None) == 0


def again(job: Job) -> Job:
    return Job.objects.get(pk=job.pk)
