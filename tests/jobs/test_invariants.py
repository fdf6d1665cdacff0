"""`check_invariants` is silent on a lawful history and finds each violation that is planted into it."""

import hashlib
import json
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection

from devices.models import Device, Lease
from jobs import clock, file_store, invariants, scheduling, services
from jobs.models import Artifact, Attempt, Checkpoint, Frame, Head, Job, Rank, Scheduler, Transition
from tests.jobs.factories import bring_to_running, event, listed, make_gang, make_running

pytestmark = pytest.mark.django_db
FILE = b"weights"
SHA256 = hashlib.sha256(FILE).hexdigest()


@pytest.fixture(autouse=True)
def home(settings, tmp_path):
    settings.FLEETUNE_HOME = tmp_path
    return tmp_path


@pytest.fixture
def gang():
    return make_gang()


@pytest.fixture
def running(gang) -> Job:
    """A running job with points, two checkpoints and the lease of both devices."""
    job = make_running(*gang, export={"formats": ["safetensors"]})
    for agent in gang:
        agent.tell(points={"train/loss": [2.0, 1.0, 0.5]})
        for step in (1, 2):
            agent.save(step, f"at {step}")
    return job


@pytest.fixture
def done(running, gang) -> Job:
    """The same, succeeded, with its model on the server."""
    file_store.append("artifacts", SHA256, 1, 0, len(FILE), FILE)
    gang[0].tell(event("artifact", name="model.safetensors", format="safetensors", bytes=len(FILE), sha256=SHA256))
    for agent in gang:
        agent.exit()
    running.refresh_from_db()
    assert running.state == "succeeded"
    return running


def found(**options) -> set[str]:
    return {violation.invariant for violation in invariants.check(**options)}


def sentences() -> str:
    return "\n".join(map(str, invariants.check()))


def test_a_running_job_breaks_no_promise(running):
    assert sentences() == ""


def test_a_succeeded_job_breaks_no_promise(done):
    assert sentences() == ""


def test_a_cancelled_job_breaks_no_promise(running, gang):
    services.cancel(running, running.owner)
    assert sentences() == ""
    for agent in gang:
        agent.exit("cancelled", "user_cancelled")
    assert sentences() == ""


def test_i1_an_open_attempt_without_all_its_leases(running):
    Lease.objects.filter(pk=Lease.objects.first().pk).update(released_at=clock.now())
    assert "does not hold all its devices" in sentences()


def test_i1_a_fence_that_does_not_rise(running, gang):
    device = gang[0].device
    now = clock.now()
    Lease.objects.filter(device=device).update(released_at=now)
    Lease.objects.create(device=device, fence=1, acquired_at=now, renewed_at=now, expires_at=now, attempt_id=1)
    assert "no higher fence" in sentences()


def test_i1_a_lease_that_began_before_the_one_before_had_ended(running, gang):
    device, now = gang[0].device, clock.now()
    Lease.objects.filter(device=device).update(released_at=now + timedelta(seconds=5))
    Lease.objects.create(device=device, fence=9, acquired_at=now, renewed_at=now, expires_at=now, attempt_id=1)
    assert "began before the one before had ended" in sentences()


def test_i2_a_waiting_job_without_a_reason(running):
    Job.objects.update(state="pending", wait_reason="", created_at=clock.now() - timedelta(seconds=20))
    Attempt.objects.update(ended_at=clock.now(), state="failed", end_reason="killed")
    assert "a waiting job has no reason" in sentences()


@pytest.mark.parametrize(
    "change",
    [{"deadline_at": None}, {"deadline_at": "2026-01-01T00:00Z"}, {"state": "failed", "end_reason": ""}],
)
def test_i2_a_job_that_nobody_drives(running, change):
    Job.objects.update(**change)
    assert "I2" in found()


def test_i2_a_driven_job_without_an_open_attempt(running):
    Attempt.objects.update(ended_at=clock.now(), state="failed", end_reason="killed")
    assert "does not have exactly one open attempt" in sentences()


def test_i2_no_round_for_long(running):
    Scheduler.objects.update(last_full_round_at=clock.now() - timedelta(seconds=11))
    assert "no scheduling round" in sentences()


def test_i3_a_state_that_is_not_that_of_the_log(done):
    Job.objects.update(state="failed", end_reason="killed")
    assert "a job's state is not that of its log" in sentences()


@pytest.mark.parametrize(
    ("steps", "sentence"),
    [
        ([("running", "running", "attempt", 5)], "is not legal"),
        ([("running", "failed", "user", 5)], "is not legal"),
        ([("claimed", "starting", "attempt", 5)], "does not begin where"),
        ([("running", "failed", "attempt", 7)], "have a gap"),
        ([("running", "succeeded", "attempt", 5), ("succeeded", "failed", "attempt", 6)], "follows a success"),
    ],
)
def test_i3_a_step_that_is_not_lawful(running, steps, sentence):
    for index, (before, after, actor, number) in enumerate(steps):
        Transition.objects.create(
            job=running, number=number, from_state=before, to_state=after, actor=actor, seq=100 + index, at=clock.now()
        )
    assert sentence in sentences()


def test_i3_attempts_with_a_gap_or_without_an_end_reason(done):
    Attempt.objects.update(number=3, state="failed", end_reason="")
    told = sentences()
    assert "attempts have a gap" in told
    assert "an ended attempt has no reason" in told


def test_i4_a_step_stored_twice(running):
    frame = Frame.objects.filter(rank=0).first()
    Frame.objects.create(
        **{name: getattr(frame, name) for name in ("job", "attempt", "rank", "batch", "seq", "keys", "count")},
        **{name: getattr(frame, name) for name in ("first_step", "last_step", "data")},
        group=99,
    )
    assert "a step is stored twice" in sentences()


def test_i4_a_rank_that_was_no_part_of_an_attempt_owes_no_step_of_it(gang):
    """An elastic job loses a device before its first checkpoint, begins anew with the other, and takes it back."""
    job = make_running(*gang, schedule={"min_devices": 1})
    for agent in gang:
        agent.tell(points={"train/loss": [0.9, 0.8]})
    gang[1].exit("failed", "device_lost", rank=1)
    gang[0].exit("cancelled", "user_cancelled")
    Device.objects.filter(pk=gang[1].device.pk).update(state="offline")
    scheduling.round(clock.now())
    bring_to_running(job, gang[0])
    gang[0].tell(points={"train/loss": [0.9, 0.8, 0.7, 0.6]})
    gang[0].save(4, "four")
    Device.objects.update(state="online", last_seen_at=clock.now())
    gang[0].exit("failed", "killed", rank=0)
    scheduling.round(clock.now())
    for agent in gang:
        agent.ack(listed(4, "four"))
    bring_to_running(job, *gang)
    assert job.attempts.get(number=3).resumed_from_step == 4
    for agent in gang:
        agent.tell(points={"train/loss": [0.5, 0.4]}, first_step=5)
    assert "I4" not in sentences()
    gang[1].tell(points={"train/loss": [0.1]}, first_step=9)
    assert "steps=[7, 8]" in sentences()


def test_i4_a_missing_step(running, gang):
    gang[0].tell(points={"train/loss": [0.1]}, first_step=5)
    assert "a step is missing [job" in sentences()
    assert "steps=[4]" in sentences()


def test_i4_a_frame_beyond_the_last_stored_batch(running):
    Rank.objects.filter(rank=1).update(last_batch=3)
    assert "beyond the last stored one" in sentences()


def test_i4_a_head_that_is_not_what_is_stored(running):
    head = Head.objects.get(rank=0)
    head.keys["train/loss"]["count"] += 1
    head.save()
    assert "a head is not what a rebuild gives" in sentences()


def test_i5_an_artifact_that_was_changed_or_lost(done):
    path = file_store.path_of("artifacts", SHA256)
    path.write_bytes(b"wEights")
    assert "another hash" in sentences()
    path.write_bytes(b"short")
    assert "another size" in sentences()
    path.unlink()
    assert "file is not there" in sentences()


def test_i5_a_success_without_what_was_asked_for(done):
    Artifact.objects.update(format="other")
    assert "lacks a format" in sentences()


def test_i5_checkpoints_that_are_not_what_they_are_said_to_be(running, gang):
    Checkpoint.objects.update(holders=[])
    assert Checkpoint.objects.exclude(state="complete").count() == 0
    Attempt.objects.update(resumed_from_step=77)
    told = sentences()
    assert "that nobody reported" in told
    Checkpoint.objects.filter(step=1).update(state="pruned")
    assert "fewer checkpoints are kept" in sentences()


def test_i6_a_lease_that_outlived_its_attempt(running):
    ended = clock.now() - timedelta(seconds=20)
    Attempt.objects.update(ended_at=ended, state="failed", end_reason="killed")
    Job.objects.update(state="failed", end_reason="killed")
    assert "a lease outlived its holder" in sentences()
    assert not [violation for violation in invariants.check(settle_s=60) if "outlived" in violation.sentence]


def test_i6_half_sent_files_late_artifacts_and_lost_batches(done, home):
    ended = clock.now() - timedelta(seconds=60)
    Attempt.objects.update(ended_at=ended)
    Job.objects.update(ended_at=ended)
    (home / "artifacts" / "incoming").mkdir(exist_ok=True)
    (home / "artifacts" / "incoming" / f"{Attempt.objects.get().pk}-{SHA256}").write_bytes(b"half")
    Rank.objects.filter(rank=0).update(last_batch=1)
    told = sentences()
    assert "half-sent file" in told
    assert "after its attempt's end" in told
    assert "batches of the last attempt are missing" in told


def test_i6_an_ended_attempt_that_moved_its_job_and_a_clock_that_was_set_back_before_its_end(done):
    Attempt.objects.update(ended_at=clock.now() - timedelta(hours=1))
    assert "moved its job" not in sentences()
    last = Transition.objects.order_by("-number").first()
    facts = {"job": done, "attempt": last.attempt, "from_state": "succeeded", "to_state": "running"}
    Transition.objects.create(**facts, number=last.number + 1, actor="attempt", seq=900, at=clock.now())
    assert "an ended attempt moved its job" in sentences()


def test_a_checkpoint_and_leftovers_on_a_device_are_looked_at(done, tmp_path):
    place = tmp_path / "device" / "jobs" / str(done.pk) / "checkpoints" / "step-2"
    place.mkdir(parents=True)
    (place / "model.safetensors").write_bytes(FILE)
    manifest = {"files": [{"name": "model.safetensors", "bytes": len(FILE), "sha256": SHA256}]}
    (place / "manifest.json").write_text(json.dumps(manifest))
    Attempt.objects.update(ended_at=clock.now() - timedelta(seconds=60))
    disk = [tmp_path / "device"]
    ours = [
        violation for violation in invariants.check(disks=disk) if "place" in violation.rows or "file" in violation.rows
    ]
    assert ours == []
    (place / "model.safetensors").write_bytes(b"other")
    (place.parent / "step-3.tmp-7").mkdir()
    told = "\n".join(map(str, invariants.check(disks=disk)))
    assert "another hash" in told
    assert "left a temporary file" in told


def test_the_command_exits_with_1_and_names_the_rows(running, capsys):
    call_command("check_invariants")
    assert "Every promise holds." in capsys.readouterr().out
    Job.objects.update(deadline_at=None)
    with pytest.raises(SystemExit) as exited:
        call_command("check_invariants", "--json")
    assert exited.value.code == 1
    told = json.loads(capsys.readouterr().out)
    assert told["violations"][0]["rows"]["job"] == running.pk
    assert Scheduler.objects.get().invariants["violations"]


def test_a_check_of_one_job_leaves_the_others_alone(running):
    Job.objects.update(deadline_at=None)
    assert found(job_id=running.pk + 1) == set()
    assert connection.vendor
