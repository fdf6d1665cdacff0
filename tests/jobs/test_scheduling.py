"""A scheduling round gives waiting jobs their devices, all or none, and tells the others why they wait."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from catalog.models import Dataset, PreparedData, PreparedState
from devices.models import Device, Lease
from jobs import claims, clock, scheduling, services
from jobs.device_choice import GiveUp, Take, choose
from jobs.fleet import Fleet
from jobs.models import Attempt, Job
from jobs.wishes import Wish
from tests.devices.factories import make_device, make_host, make_lease
from tests.jobs.factories import at_once, make_claimed, make_gang, make_job, make_running

pytest_plugins = ["tests.postgres"]


def round_at(**later) -> int:
    """A round so much later, in which every agent has just been heard of."""
    now = clock.now() + timedelta(**later)
    Device.objects.update(last_seen_at=now)
    return scheduling.round(now)


def seen(job: Job) -> tuple[str, str, dict]:
    job.refresh_from_db()
    return job.state, job.wait_reason, job.reason_params


@pytest.mark.django_db
def test_a_job_gets_all_its_devices_or_none():
    make_device("lab-1-cpu-0")
    job = make_job(count=2)
    assert round_at() == 0
    assert (seen(job)[0], Lease.objects.count(), Attempt.objects.count()) == ("pending", 0, 0)
    make_device("lab-1-cpu-1")
    assert round_at() == 1
    assert seen(job)[0] == "claimed"
    assert list(Lease.objects.values_list("device__slug", flat=True)) == ["lab-1-cpu-0", "lab-1-cpu-1"]


@pytest.mark.django_db
def test_ranks_are_numbered_by_device_and_carry_the_fence_of_their_lease():
    make_claimed()
    ranks = Attempt.objects.get().ranks.select_related("device")
    assert [(rank.rank, rank.device.slug) for rank in ranks] == [(0, "lab-1-cpu-0"), (1, "lab-1-cpu-1")]
    assert all(0 < rank.fence == rank.device.fence for rank in ranks)


@pytest.mark.django_db
def test_a_claim_that_meets_a_taken_device_leaves_nothing_behind():
    first, second = make_device("lab-1-cpu-0"), make_device("lab-1-cpu-1")
    job = make_job(count=2)
    make_lease(second, attempt_id=99)
    assert claims.claim(job.pk, [first, second], clock.now()) is None
    assert (seen(job)[0], Attempt.objects.count(), Lease.objects.count()) == ("pending", 0, 1)
    assert Device.objects.get(pk=first.pk).fence == 0


@pytest.mark.django_db
def test_devices_are_rung_after_the_commit(django_capture_on_commit_callbacks, monkeypatch):
    rung = []
    monkeypatch.setattr("devices.doorbell.ring", lambda ids, payload: rung.append((list(ids), payload)))
    gang = make_gang()
    job = make_job()
    with django_capture_on_commit_callbacks() as callbacks:
        round_at()
    assert rung == []
    for callback in callbacks:
        callback()
    attempt = Attempt.objects.get()
    assert ([agent.device.pk for agent in gang], {"v": 1, "job": job.pk, "attempt": attempt.pk}) in rung


@pytest.mark.django_db
def test_a_waiting_job_names_the_device_and_the_job_that_it_waits_for():
    running = make_claimed()
    job = make_job(count=2)
    round_at()
    state, reason, params = seen(job)
    assert (state, reason, params["device"], params["job"]) == ("pending", "device_busy", "lab-1-cpu-0", running.pk)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("change", "reason"),
    [({"state": "offline"}, "device_offline"), ({"draining": True, "state": "draining"}, "draining")],
)
def test_a_job_for_a_device_that_is_away_says_how(change, reason):
    device = make_device("lab-1-cpu-0", **change)
    job = make_job(ids=["lab-1-cpu-0"])
    round_at()
    assert seen(job)[1:] == (reason, seen(job)[2])
    assert seen(job)[2]["device"] == device.slug


@pytest.mark.django_db
def test_a_device_that_fell_silent_a_moment_ago_gets_no_job():
    make_device("lab-1-cpu-0", last_seen_at=clock.now() - timedelta(seconds=11))
    job = make_job(count=1)
    scheduling.round(clock.now())
    assert seen(job)[:2] == ("pending", "device_offline")


@pytest.mark.django_db
def test_without_enough_devices_a_job_says_how_many_there_are():
    make_device("lab-1-cpu-0")
    job = make_job(count=3)
    round_at()
    assert seen(job)[1:] == ("no_device", {"wanted": 3, "fitting": 1, "registered": 1})


@pytest.mark.django_db
def test_devices_with_other_versions_are_never_put_together():
    make_device("lab-1-cpu-0")
    make_device("old-cpu-0", make_host("old", torch="2.9.0+cpu"))
    job = make_job(count=2)
    round_at()
    state, reason, params = seen(job)
    assert (state, reason, params["fitting"]) == ("pending", "no_device", 1)
    assert {params["versions"]["version"], params["versions"]["other_version"]} == {"2.13.0", "2.9.0"}


@pytest.mark.django_db
def test_named_devices_that_turn_out_not_to_fit_end_the_job_with_both_versions():
    make_device("lab-1-cpu-0")
    other = make_host("other")
    make_device("other-cpu-0", other)
    job = make_job(ids=["lab-1-cpu-0", "other-cpu-0"])
    other.environment["torch"] = "2.9.0+cpu"
    other.save()
    round_at()
    job.refresh_from_db()
    assert (job.state, job.end_reason) == ("failed", "version_mismatch")
    assert "pip install torch==2.13.0" in job.reason_params["command"]


@pytest.mark.django_db
def test_of_two_groups_the_smaller_that_suffices_is_taken():
    old = make_host("old", torch="2.9.0+cpu")
    for index in range(3):
        make_device(f"lab-1-cpu-{index}")
    pair = [make_device(f"old-cpu-{index}", old) for index in range(2)]
    choice = choose(Fleet.load(clock.now()), Wish(count=2), set())
    assert isinstance(choice, Take)
    assert choice.devices == pair


@pytest.mark.django_db
def test_a_device_that_let_the_job_down_is_taken_only_when_no_other_is_free():
    devices = [make_device(f"lab-1-cpu-{index}") for index in range(3)]
    fleet = Fleet.load(clock.now())
    assert choose(fleet, Wish(count=2), {devices[0].pk}).devices == devices[1:]
    fleet.give(devices[1:2], job_id=7)
    assert choose(fleet, Wish(count=2), {devices[0].pk}).devices == [devices[2], devices[0]]


@pytest.mark.django_db
def test_a_removed_device_ends_the_job_that_named_it():
    device = make_device("lab-1-cpu-0")
    job = make_job(ids=["lab-1-cpu-0"])
    Device.objects.filter(pk=device.pk).update(removed_at=clock.now())
    round_at()
    job.refresh_from_db()
    assert (job.state, job.end_reason, job.reason_params["device"]) == ("failed", "device_lost", "lab-1-cpu-0")
    assert isinstance(choose(Fleet.load(clock.now()), Wish(ids=("lab-1-cpu-0",)), set()), GiveUp)


@pytest.mark.django_db
def test_a_small_job_fills_the_gap_that_a_large_one_cannot_use():
    busy, _free = make_device("lab-1-cpu-0"), make_device("lab-1-cpu-1")
    make_lease(busy, attempt_id=99)
    large, small = make_job(count=2), make_job(count=1)
    assert round_at() == 1
    assert (seen(large)[0], seen(small)[0]) == ("pending", "claimed")


@pytest.mark.django_db
def test_a_large_job_that_has_waited_long_gets_devices_kept_for_it():
    busy, _free = make_device("lab-1-cpu-0"), make_device("lab-1-cpu-1")
    make_lease(busy, attempt_id=99)
    large, small = make_job(count=2), make_job(count=1)
    assert round_at(seconds=scheduling.HOLD_AFTER_S + 5) == 0
    assert seen(small)[1] == "device_busy"
    assert seen(small)[2]["device"] in ("lab-1-cpu-0", "lab-1-cpu-1")
    Lease.objects.update(released_at=clock.now())
    assert round_at(seconds=scheduling.HOLD_AFTER_S + 6) == 1
    assert (seen(large)[0], seen(small)[0]) == ("claimed", "pending")


@pytest.mark.django_db
def test_jobs_start_by_priority_then_place_and_demo_jobs_last():
    make_device("lab-1-cpu-0")
    demo, first, urgent = make_job(1, demo=True), make_job(1), make_job(1, schedule={"priority": 5})
    order = []
    for _ in range(3):
        round_at()
        claimed = Job.objects.get(state="claimed")
        order.append(claimed)
        Lease.objects.update(released_at=clock.now())
        Attempt.objects.update(ended_at=clock.now())
        Job.objects.filter(pk=claimed.pk).update(state="cancelled", end_reason="user_cancelled")
    assert order == [urgent, first, demo]


@pytest.mark.django_db
def test_a_job_waits_for_its_source_and_starts_when_that_has_succeeded():
    source = make_running(*make_gang())
    job = make_job(model={"source": "job", "id": source.pk})
    round_at()
    assert seen(job) == ("pending", "source_job", {"job": source.pk})
    Job.objects.filter(pk=source.pk).update(state="succeeded")
    round_at()
    assert seen(job)[1] == "device_busy"


@pytest.mark.django_db
@pytest.mark.parametrize("how", ["failed", "cancelled", "removed"])
def test_a_source_without_a_result_ends_the_job_that_waits_for_it(how):
    source = make_job()
    job = make_job(model={"source": "job", "id": source.pk})
    if how == "removed":
        Job.objects.filter(pk=source.pk).update(state="succeeded", removed_at=clock.now())
    else:
        Job.objects.filter(pk=source.pk).update(state=how)
    round_at()
    job.refresh_from_db()
    assert (job.state, job.end_reason) == ("failed", "bad_data")
    assert job.reason_params == {"source_job": source.pk, "source_state": how}


@pytest.mark.django_db
def test_a_job_waits_for_its_data_and_fails_when_that_cannot_be_prepared():
    make_gang()
    job = make_job()
    PreparedData.objects.update(state=PreparedState.BUILDING, progress=0.62)
    round_at()
    assert seen(job) == ("pending", "preparing_data", {"percent": 62})
    PreparedData.objects.update(state=PreparedState.FAILED, error="%(file)s is empty.", error_params={"file": "a.png"})
    round_at()
    job.refresh_from_db()
    assert (job.state, job.end_reason, job.reason_params["params"]) == ("failed", "bad_data", {"file": "a.png"})


@pytest.mark.django_db
def test_a_job_whose_dataset_was_removed_fails():
    job = make_job()
    Dataset.objects.update(removed_at=clock.now())
    round_at()
    job.refresh_from_db()
    assert (job.state, job.end_reason) == ("failed", "bad_data")


@pytest.mark.django_db
def test_nothing_starts_while_the_queue_is_paused():
    make_gang()
    job = make_job()
    services.pause_queue(User.objects.get(username="maria"))
    assert round_at() == 0
    assert (seen(job)[1], seen(job)[2]["user"]) == ("queue_paused", "maria")
    services.resume_queue(User.objects.get(username="maria"))
    assert round_at() == 1


@pytest.mark.django_db
def test_a_scheduled_job_waits_for_its_time():
    make_gang()
    job = make_job(schedule={"not_before": (clock.now() + timedelta(hours=1)).isoformat()})
    assert round_at() == 0
    assert seen(job)[1] == "scheduled"
    assert round_at(hours=2) == 1


@pytest.mark.django_db
def test_a_job_after_another_waits_for_its_end():
    make_gang()
    first = make_job(1)
    second = make_job(1, schedule={"after": first.pk})
    round_at()
    assert (seen(first)[0], seen(second)[1:]) == ("claimed", ("scheduled", {"after": first.pk}))
    Job.objects.filter(pk=first.pk).update(state="failed", end_reason="killed")
    assert round_at() == 1


@pytest.mark.django_db
def test_an_unchanged_reason_is_not_written_again():
    make_job(count=2)
    round_at()
    with CaptureQueriesContext(connection) as queries:
        round_at()
    assert not [query for query in queries if query["sql"].startswith('UPDATE "jobs_job"')]


@pytest.mark.django_db
def test_a_round_takes_as_many_statements_for_many_waiting_and_ended_jobs_as_for_few():
    make_claimed()
    make_job(count=2)
    round_at()
    few = statements_of_a_round()
    waiting, ended = make_job(count=2), make_job(count=2)
    copies = [copy_of(waiting) for _ in range(100)] + [copy_of(ended, state="cancelled") for _ in range(300)]
    Job.objects.bulk_create(copies)
    assert statements_of_a_round() <= few + 3, "one for all that wait for the same, in a transaction"
    assert statements_of_a_round() == few
    assert few <= 16


@pytest.mark.django_db
def test_a_claim_takes_as_many_statements_beside_many_waiting_and_ended_jobs_as_beside_none():
    first, second = make_gang(4)[:2], list(Device.objects.order_by("id")[2:])
    few = statements_of_a_claim(make_job(count=2), [agent.device for agent in first])
    waiting, ended = make_job(count=2), make_job(count=2)
    copies = [copy_of(waiting) for _ in range(100)] + [copy_of(ended, state="cancelled") for _ in range(300)]
    Job.objects.bulk_create(copies)
    assert statements_of_a_claim(waiting, second) == few
    assert few <= 24


def statements_of_a_claim(job: Job, devices: list[Device]) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert claims.claim(job.pk, devices, clock.now()) is not None
    return len(queries)


def statements_of_a_round() -> int:
    with CaptureQueriesContext(connection) as queries:
        round_at()
    return len(queries)


def copy_of(job: Job, **changes) -> Job:
    fields = {field.attname: getattr(job, field.attname) for field in Job._meta.concrete_fields if field.name != "id"}
    return Job(**fields | changes)


def test_a_gang_that_is_claimed_by_many_schedulers_at_once_is_claimed_once(each_database):
    """R2 with real threads: barriers before the claims, jobs that overlap in their devices."""
    gang = make_gang(4)
    devices = [agent.device for agent in gang]
    for number in range(6):
        jobs = [make_job(count=2), make_job(count=2), make_job(count=3)]
        wishes = [devices[:2], devices[1:3], devices[1:4]]
        calls = [
            lambda job=job, wish=wish: claims.claim(job.pk, wish, clock.now())
            for job, wish in zip(jobs, wishes, strict=True)
        ]
        attempts = [attempt for attempt in at_once(*calls, *calls) if attempt is not None]
        live = list(Lease.objects.filter(released_at=None).values_list("device_id", "attempt_id"))
        assert len(attempts) >= 1, number
        assert len({device_id for device_id, _ in live}) == len(live)
        for attempt in Attempt.objects.filter(ended_at=None):
            assert sum(holder == attempt.pk for _, holder in live) == attempt.world_size == attempt.ranks.count()
        assert Job.objects.filter(state="claimed").count() == len(attempts)
        Lease.objects.update(released_at=clock.now())
        Attempt.objects.update(ended_at=clock.now())
        Job.objects.update(state="cancelled", end_reason="user_cancelled")


def test_rounds_that_run_at_once_skip_no_job_and_claim_none_twice(each_database):
    make_gang(4)
    jobs = [make_job(count=count) for count in (1, 2, 1, 3, 2)]
    for _ in range(12):
        at_once(lambda: scheduling.round(clock.now()), lambda: scheduling.round(clock.now()))
        live = list(Lease.objects.filter(released_at=None).values_list("device_id", flat=True))
        assert len(set(live)) == len(live)
        for attempt in Attempt.objects.filter(ended_at=None).select_related("job"):
            assert attempt.ranks.count() == attempt.world_size
        open_attempts = Attempt.objects.filter(ended_at=None)
        Job.objects.filter(attempts__in=open_attempts).update(state="cancelled", end_reason="user_cancelled")
        open_attempts.update(ended_at=clock.now())
        Lease.objects.update(released_at=clock.now())
    assert Attempt.objects.count() == len(jobs)
    assert not Job.objects.filter(state="pending").exists()


@pytest.mark.django_db
def test_a_lease_never_begins_before_the_one_before_has_ended():
    """A round takes a while: a device may be given back after it began and before its claim."""
    devices = [agent.device for agent in make_gang()]
    began = clock.now()
    for device in devices:
        Lease.objects.filter(pk=make_lease(device, attempt_id=99).pk).update(released_at=clock.now())
    assert claims.claim(make_job().pk, devices, began) is not None
    for device in devices:
        first, second = device.leases.order_by("id")
        assert second.acquired_at > first.released_at
