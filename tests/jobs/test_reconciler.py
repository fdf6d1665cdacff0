"""The reconciler repairs what nobody else did, and never takes its own outage for a silent device (rule R6)."""

from datetime import datetime, timedelta

import pytest

from contract import timing
from devices.models import Device, Lease
from jobs import clock, reconciler
from jobs.models import Job, Rank, Scheduler
from jobs.pulse import Pulse
from jobs.reconciler import Reconciler
from tests.jobs.factories import make_claimed, make_gang, make_job, make_running

pytestmark = pytest.mark.django_db


class Time:
    """The clocks of one process: they move together until a test lets one jump."""

    def __init__(self):
        self.wall: datetime = clock.now()
        self.monotonic = 1000.0
        self.answers = True
        self.reconciler = Reconciler(lambda: self.answers)
        self.reconciler.pulse.monotonic = lambda: self.monotonic

    def pass_(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.monotonic += seconds

    def hear_all(self) -> None:
        """Every supervisor and agent has just been heard of."""
        until = self.wall + timedelta(seconds=timing.LEASE_TTL_S)
        Lease.objects.filter(released_at=None).update(renewed_at=self.wall, expires_at=until, healthy_ticks=0)
        Device.objects.update(last_seen_at=self.wall)

    def running(self, *agents) -> Job:
        job = make_running(*agents)
        self.hear_all()
        return job

    def tick(self, times: int = 1, after: float = 1.0) -> None:
        for _ in range(times):
            self.pass_(after)
            self.reconciler.tick(self.wall)


@pytest.fixture
def time() -> Time:
    """Clocks whose first tick, after which nobody has listened before, is over."""
    time = Time()
    time.tick()
    return time


@pytest.fixture
def gang():
    return make_gang()


@pytest.fixture(autouse=True)
def quiet_bells(monkeypatch):
    """What was rung: (device ids, payload)."""
    rung = []
    monkeypatch.setattr("devices.doorbell.ring", lambda ids, payload: rung.append((list(ids), payload)) or len(rung))
    return rung


def again(job: Job) -> Job:
    return Job.objects.get(pk=job.pk)


def test_a_silent_device_loses_its_lease_after_its_time_and_as_many_healthy_ticks(gang, time):
    job = time.running(*gang)
    seconds = int(timing.LEASE_TTL_S)
    time.tick(seconds)
    assert again(job).state == "running"
    time.tick(2)
    lost = again(job)
    assert (lost.state, lost.wait_reason, lost.failures) == ("pending", "device_offline", 1)
    assert job.attempts.get().end_reason == "device_lost"


def test_a_device_that_renews_keeps_its_lease(gang, time):
    job = time.running(*gang)
    for _ in range(30):
        time.tick()
        time.hear_all()
    assert again(job).state == "running"


def test_silence_while_our_own_address_does_not_answer_does_not_count(gang, time):
    job = time.running(*gang)
    time.answers = False
    time.tick(40)
    assert again(job).state == "running"
    time.answers = True
    time.tick(9)
    assert again(job).state == "running"
    time.tick(3)
    assert again(job).state == "pending"


def test_after_a_gap_in_our_own_ticks_all_leases_and_deadlines_get_grace(gang, time):
    job = time.running(*gang)
    time.pass_(600)
    time.tick()
    assert again(job).state == "running"
    assert again(job).deadline_at >= time.wall + timedelta(seconds=timing.OUTAGE_GRACE_S - 1)
    time.tick(int(timing.OUTAGE_GRACE_S) - 2)
    assert again(job).state == "running"
    time.tick(4)
    assert again(job).state == "pending"


@pytest.mark.parametrize("hours", [1, -1])
def test_a_jump_of_the_clock_ends_no_lease_and_no_job(gang, time, hours):
    job = time.running(*gang)
    time.wall += timedelta(hours=hours)
    time.tick(5)
    assert again(job).state == "running"
    assert not Lease.objects.exclude(released_at=None).exists()


def test_a_device_that_dies_after_the_clock_was_set_back_is_missed_as_soon_as_ever(gang, time):
    job = time.running(*gang)
    time.wall -= timedelta(hours=1)
    time.tick()
    time.tick(int(timing.OUTAGE_GRACE_S + timing.LEASE_TTL_S) + 2)
    assert again(job).state == "pending"
    assert set(Device.objects.values_list("state", flat=True)) == {"offline"}


def test_a_job_that_is_tried_again_soon_does_not_wait_for_the_hour_that_a_clock_lost(gang, time):
    job = time.running(*gang)
    gang[0].exit("failed", "killed", rank=0)
    later = time.wall + timedelta(seconds=15)
    Job.objects.filter(pk=job.pk).update(not_before=later)
    time.wall -= timedelta(hours=1)
    time.tick()
    assert again(job).not_before == time.wall


def test_two_reconcilers_count_a_second_once(gang):
    times = [Time(), Time()]
    for time in times:
        time.tick()
    make_running(*gang)
    for _ in range(5):
        for time in times:
            time.tick()
    assert set(Lease.objects.values_list("healthy_ticks", flat=True)) == {5}


def test_the_pulse_knows_how_long_all_was_well():
    now, at = clock.now(), 50.0
    pulse = Pulse(lambda: True, monotonic=lambda: at)
    assert pulse.beat(now).gap
    for second in range(1, 13):
        at = 50.0 + second
        beat = pulse.beat(now + timedelta(seconds=second))
    assert (beat.healthy, beat.gap, beat.healthy_seconds) == (True, False, 11.0)


def test_a_silent_agent_makes_its_device_offline_but_not_its_job_lost(gang, time):
    job = time.running(*gang)
    Device.objects.filter(pk=gang[0].device.pk).update(last_seen_at=time.wall)
    for _ in range(14):
        time.tick()
        Device.objects.filter(pk=gang[1].device.pk).update(last_seen_at=time.wall)
        Lease.objects.update(renewed_at=time.wall, expires_at=time.wall + timedelta(seconds=10), healthy_ticks=0)
    assert Device.objects.get(pk=gang[0].device.pk).state == "offline"
    assert Device.objects.get(pk=gang[1].device.pk).state == "online"
    assert again(job).state == "running"
    assert Lease.objects.filter(released_at=None).count() == 2


def test_a_claimed_job_without_any_sign_goes_back_and_avoids_the_silent_device(gang):
    job = make_claimed(*gang)
    gang[0].ack()
    assert reconciler.end_overdue_jobs(clock.now() + timedelta(seconds=timing.ACK_S + 1)) == 1
    waiting = again(job)
    assert (waiting.state, waiting.failures) == ("pending", 0)
    assert list(waiting.avoid) == [str(gang[1].device.pk)]
    assert job.attempts.get().end_reason == "start_timeout"


def test_a_job_that_never_gets_past_its_start_is_tried_again_and_counted(gang):
    job = make_claimed(*gang)
    for agent in gang:
        agent.ack()
    reconciler.end_overdue_jobs(clock.now() + timedelta(hours=1))
    assert (again(job).state, again(job).failures) == ("pending", 1)


def test_a_device_that_has_not_acknowledged_is_rung_again_each_three_seconds(gang, time, quiet_bells):
    job = make_claimed(*gang)
    attempt = job.attempts.get()
    gang[0].ack()
    quiet_bells.clear()
    time.tick(8)
    again_ = [ids for ids, payload in quiet_bells if payload.get("attempt") == attempt.pk]
    assert again_ == [[gang[1].device.pk]] * 2


def test_a_test_ring_goes_to_every_online_device_each_30_seconds(gang, time, quiet_bells):
    quiet_bells.clear()
    for _ in range(60):
        Device.objects.update(last_seen_at=time.wall)
        time.tick()
    tests = [sorted(ids) for ids, payload in quiet_bells if payload.get("test")]
    assert tests == [sorted(agent.device.pk for agent in gang)] * 2


def test_a_finished_rank_whose_gang_goes_on_keeps_its_device_without_renewing(gang, time):
    job = time.running(*gang)
    gang[0].exit()
    for _ in range(15):
        time.tick()
        Lease.objects.filter(device=gang[1].device).update(
            renewed_at=time.wall, expires_at=time.wall + timedelta(seconds=10), healthy_ticks=0
        )
    assert again(job).state == "running"
    assert Rank.objects.get(device=gang[0].device).gone_at is not None
    gang[1].exit()
    assert again(job).state == "succeeded"


def test_a_lease_that_nobody_gives_back_after_the_end_runs_out(gang, time):
    job = time.running(*gang)
    gang[0].exit("failed", "code_error", rank=0)
    assert again(job).state == "failed"
    assert Lease.objects.filter(released_at=None).count() == 1
    time.tick(13)
    assert not Lease.objects.filter(released_at=None).exists()
    assert again(job).state == "failed"


def test_a_tick_looks_at_the_queue_and_says_so(gang, time):
    job = make_job()
    time.tick()
    assert again(job).state == "claimed"
    assert Scheduler.objects.get().last_full_round_at == time.wall


def test_a_cancelled_job_whose_devices_fall_silent_is_cancelled(gang, time):
    from jobs import services

    job = time.running(*gang)
    services.cancel(job, job.owner)
    time.tick(12)
    assert again(job).state == "cancelled"
    time.tick(4)
    assert not Lease.objects.filter(released_at=None).exists()
