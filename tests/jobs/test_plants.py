"""Violations planted by SQL, on the disk and as processes: `check_invariants` finds each and names it."""

import json
import os
import subprocess
import sys
from datetime import timedelta

import pytest
from django.db import connection

from devices.models import Lease
from jobs import clock, invariants
from jobs.models import Attempt, Checkpoint, Chunk, Frame, Job
from tests.jobs.factories import make_gang, make_running, sha256_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def home(settings, tmp_path):
    settings.FLEETUNE_HOME = tmp_path
    return tmp_path


@pytest.fixture
def running() -> Job:
    gang = make_gang()
    job = make_running(*gang)
    for agent in gang:
        agent.tell(points={"train/loss": [2.0, 1.0, 0.5]})
        agent.save(2, "two")
    return job


def sql(statement: str, *values) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def told(**options) -> str:
    return "\n".join(map(str, invariants.check(**options)))


def test_a_lease_row_that_was_deleted(running):
    assert told() == ""
    sql("DELETE FROM devices_lease WHERE id = (SELECT min(id) FROM devices_lease)")
    assert "I1: an open attempt does not hold all its devices" in told()


def test_a_second_live_lease_where_the_index_is_gone(running):
    lease = Lease.objects.first()
    sql("DROP INDEX one_live_lease")
    values = {"attempt_id": lease.attempt_id, "fence": lease.fence + 1, "acquired_at": clock.now()}
    Lease.objects.create(device=lease.device, renewed_at=clock.now(), expires_at=clock.now(), **values)
    assert "I1: a device has more than one live lease" in told()


def test_a_job_whose_state_was_written_past_its_log(running):
    sql("UPDATE jobs_job SET state = 'succeeded' WHERE id = %s", running.pk)
    found = told()
    assert "I3: a job's state is not that of its log" in found
    assert "I2: an ended job has an open attempt" in found


def test_an_illegal_transition(running):
    sql(
        "INSERT INTO jobs_transition (job_id, number, from_state, to_state, actor, reason, params, seq, at)"
        " VALUES (%s, 5, 'running', 'claimed', 'scheduler', '', '{}', 99, %s)",
        running.pk,
        clock.now(),
    )
    assert "I3: a transition is not legal" in told()


def test_a_point_that_was_doubled_in_a_frame(running):
    frame = Frame.objects.filter(rank=0).values().first()
    Frame.objects.create(**{key: value for key, value in frame.items() if key != "id"} | {"group": 7})
    assert "I4: a step is stored twice" in told()


def test_points_that_were_deleted(running):
    Frame.objects.filter(rank=1).delete()
    assert "I4" in told()
    assert not Chunk.objects.exists()


@pytest.mark.parametrize("how", ["flipped", "truncated", "missing", "more", "manifest"])
def test_an_altered_checkpoint_on_a_device(running, tmp_path, how):
    device = tmp_path / "device"
    place = device / "jobs" / str(running.pk) / "checkpoints" / "step-2"
    place.mkdir(parents=True)
    content = b"weights"
    (place / "model.safetensors").write_bytes(content)
    entry = {"name": "model.safetensors", "bytes": 7, "sha256": sha256_of("weights")}
    (place / "manifest.json").write_text(json.dumps({"files": [entry]}))
    assert told(disks=[device]) == ""
    match how:
        case "flipped":
            (place / "model.safetensors").write_bytes(bytes([content[0] ^ 1]) + content[1:])
        case "truncated":
            (place / "model.safetensors").write_bytes(content[:-1])
        case "missing":
            (place / "model.safetensors").unlink()
        case "more":
            (place / "other").write_bytes(b"?")
        case "manifest":
            (place / "manifest.json").write_text('{"files": [')
    assert "I5: a checkpoint" in told(disks=[device])


def test_checkpoints_that_were_forgotten(running):
    Checkpoint.objects.update(state="pruned")
    Attempt.objects.update(resumed_from_step=2)
    assert "I5" in told()


def test_a_process_that_outlived_its_attempt_and_one_beside_the_holder(running, tmp_path):
    device = tmp_path / "device"
    device.mkdir()
    (device / "agent.json").write_text(json.dumps({"slug": "lab-1-cpu-0"}))
    attempt = Attempt.objects.get()
    ours = {"FLEETUNE_DEVICE_HOME": str(device)}
    marked = [start(ours | {"FLEETUNE_ATTEMPT": mark}) for mark in (f"attempt-{attempt.pk}", "errand-999")]
    try:
        assert "I6: a process outlived what it ran for" in told(disks=[device])
        other = Attempt.objects.create(
            job=running, number=2, world_size=1, state="failed", end_reason="killed", ended_at=clock.now()
        )
        marked.append(start(ours | {"FLEETUNE_ATTEMPT": f"attempt-{other.pk}"}))
        assert "I1: processes of two holders live on one device" in told(disks=[device])
        Lease.objects.update(released_at=clock.now())
        ended = clock.now() - timedelta(seconds=60)
        Attempt.objects.update(ended_at=ended)
        assert f"of=attempt-{attempt.pk}" in told(disks=[device])
    finally:
        for process in marked:
            process.kill()
            process.wait()


def start(marks: dict[str, str]) -> subprocess.Popen:
    """A process with these marks in its environment, once it is there for others to see."""
    command = [sys.executable, "-c", "print(flush=True); input()"]
    process = subprocess.Popen(command, env=os.environ | marks, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout.readline()
    return process
