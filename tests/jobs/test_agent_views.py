"""The agents' calls about attempts: who may speak (rule R5), what is answered, and files in pieces."""

import hashlib
from datetime import timedelta

import pytest
from django.conf import settings

from catalog.models import Readiness
from jobs import clock, file_store, scheduling
from jobs.models import Artifact, Attempt, Checkpoint, Job, Rank
from tests.devices.factories import make_device
from tests.jobs.factories import (
    DATA_HASH,
    FakeAgent,
    bring_to_running,
    event,
    listed,
    make_claimed,
    make_gang,
    make_job,
    make_running,
)

pytestmark = pytest.mark.django_db
FILE = b"weights " * 1000
SHA256 = hashlib.sha256(FILE).hexdigest()


@pytest.fixture
def gang():
    return make_gang()


@pytest.fixture(autouse=True)
def home(settings, tmp_path):
    settings.FLEETUNE_HOME = tmp_path
    return tmp_path


def code(answer) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


def superseded(gang) -> Job:
    """Attempt 1 was lost; attempt 2 runs. The agents still speak for attempt 1."""
    job = make_running(*gang)
    held = [dict(agent.held) for agent in gang]
    for agent in gang:
        agent.exit("failed", "killed", rank=0)
    Job.objects.filter(pk=job.pk).update(not_before=None)
    scheduling.round(clock.now())
    bring_to_running(job, *gang)
    for agent, old in zip(gang, held, strict=True):
        agent.held, agent.batch = old, 3
    return job


def usable(job) -> list[int]:
    return list(Checkpoint.objects.filter(job=job, state__in=("local", "complete")).values_list("step", flat=True))


def test_an_assignment_says_all_that_a_device_needs(gang):
    job = make_claimed(*gang)
    (assigned,) = gang[1].assignments()
    attempt = job.attempts.get()
    assert (assigned["kind"], assigned["id"], assigned["job"], assigned["number"]) == ("attempt", attempt.pk, job.pk, 1)
    assert (assigned["rank"], assigned["world_size"], assigned["wanted"]) == (1, 2, "run")
    assert assigned["spec"] == job.spec
    assert assigned["data"] == {"hash": DATA_HASH, "manifest": {"hash": DATA_HASH, "files": []}}


def test_a_device_without_a_lease_has_nothing_to_do(gang):
    idle = FakeAgent(make_device("lab-1-cpu-9", state="offline"))
    make_claimed(*gang)
    assert idle.assignments() == []


def test_data_that_somebody_wants_on_a_device_is_told_ahead_of_any_job(gang):
    job = make_job()
    now = clock.now()
    Readiness.objects.create(device=gang[0].device, prepared=job.prepared, wanted_at=now, at=now)
    prepare = gang[0].client.get("/agent/v1/assignments").json()["prepare"]
    assert [item["hash"] for item in prepare] == [DATA_HASH]


def test_an_attempt_of_another_device_is_unknown(gang):
    """S21"""
    make_claimed(*gang)
    gang[0].assignments()
    foreign = FakeAgent(make_device("lab-1-cpu-9"))
    foreign.held = gang[0].held
    for call in ("ack", "lease", "exit"):
        bodies = {"ack": {}, "lease": {"supervisor": {}, "rank_process": {}}, "exit": {"outcome": "failed"}}
        assert code(foreign.post(call, **bodies[call])) == (404, "unknown-attempt")
    assert code(foreign.post("events", batches=[])) == (404, "unknown-attempt")
    assert code(foreign.client.get(f"/agent/v1/events?{foreign.query}")) == (404, "unknown-attempt")


def test_another_fence_is_stale(gang):
    make_claimed(*gang)
    gang[0].assignments()
    gang[0].held = gang[0].held | {"fence": 99}
    assert code(gang[0].lease()) == (409, "stale-fence")
    assert code(gang[0].post("ack")) == (409, "stale-fence")
    assert Rank.objects.filter(acknowledged_at=None).count() == 2


def test_an_ended_attempt_is_told_to_stop_and_later_refused(gang):
    job = make_running(*gang)
    gang[0].exit("failed", "killed", rank=0)
    assert gang[1].lease().json()["wanted"] == "stop"
    Attempt.objects.update(ended_at=clock.now() - timedelta(seconds=60))
    assert code(gang[1].lease()) == (409, "stale-fence")
    assert Job.objects.get(pk=job.pk).state == "pending"


def test_an_ended_attempt_still_delivers_its_spool_until_the_next_one_runs(gang):
    job = make_running(*gang)
    gang[0].exit("failed", "killed", rank=0)
    gang[1].exit("cancelled")
    gang[0].save(10, "late")
    assert Checkpoint.objects.get(job=job).step == 10
    assert Job.objects.get(pk=job.pk).state == "pending"


def test_once_a_later_attempt_runs_nothing_of_an_earlier_one_is_taken(gang):
    superseded(gang)
    assert code(gang[0].post("events", batches=[{"batch": 4, "time": 1.0}])) == (409, "stale-fence")
    assert code(gang[0].lease()) == (409, "stale-fence")
    assert not Checkpoint.objects.exists()


def test_the_exit_of_a_superseded_attempt_changes_nothing(gang):
    job = superseded(gang)
    assert gang[0].exit("failed", "code_error", rank=0).status_code == 200
    assert Job.objects.get(pk=job.pk).state == "running"


def test_events_answer_the_last_stored_number_and_skip_what_is_stored(gang):
    make_running(*gang)
    assert gang[0].client.get(f"/agent/v1/events?{gang[0].query}").json()["last_batch"] == 3
    batches = [{"batch": number, "time": 1.0} for number in (2, 3, 4, 6)]
    assert gang[0].post("events", batches=batches).json()["last_batch"] == 4


@pytest.mark.parametrize(
    "batch",
    [
        {"batch": 4, "time": "soon"},
        {"batch": 4, "time": 1.0, "events": [event("stage")]},
        {"batch": 4, "time": 1.0, "events": [event("checkpoint", 1)]},
        {"batch": 4, "time": 1.0, "frames": [{"steps": [2, 1], "times": [0, 0], "columns": {"train/loss": [1, 1]}}]},
    ],
)
def test_an_impossible_batch_is_refused_for_good_and_stores_nothing(gang, batch):
    job = make_running(*gang)
    seq = Job.objects.get(pk=job.pk).seq
    assert code(gang[0].post("events", batches=[batch])) == (422, "impossible")
    assert Job.objects.get(pk=job.pk).seq == seq
    assert gang[0].client.get(f"/agent/v1/events?{gang[0].query}").json()["last_batch"] == 3


def test_a_lease_shows_process_and_step_of_its_rank(gang):
    make_running(*gang)
    gang[0].lease(rank_process={"boot_id": "b", "pid": 4711, "start_ticks": 9}, step=17, stage="fine_tune")
    rank = Rank.objects.get(device=gang[0].device)
    assert (rank.process["pid"], rank.step, rank.stage) == (4711, 17, "fine_tune")


def test_a_lost_peer_halves_the_time_of_a_device_that_missed_its_heartbeat(gang):
    make_running(*gang)
    other = gang[1].device.leases.filter(released_at=None)
    then = clock.now() - timedelta(seconds=4)
    other.update(renewed_at=then, expires_at=then + timedelta(seconds=10))
    gang[0].lease(peer_lost=True)
    assert other.get().expires_at == then + timedelta(seconds=5)


def put(agent: FakeAgent, body: bytes, offset: int, total: int = len(FILE), kind="artifacts", sha256=SHA256):
    headers = {"Upload-Offset": str(offset), "Upload-Length": str(total)}
    url = f"/agent/v1/{kind}/{sha256}?{agent.query}&name=model"
    return agent.client.put(url, body, content_type="application/octet-stream", headers=headers)


def test_an_upload_goes_on_from_what_is_stored_and_is_verified(gang):
    job = make_running(*gang)
    gang[0].tell(event("artifact", name="model", format="safetensors", bytes=len(FILE), sha256=SHA256))
    url = f"/agent/v1/artifacts/{SHA256}?{gang[0].query}"
    assert gang[0].client.head(url).status_code == 404
    first = put(gang[0], FILE[:3000], 0)
    assert (first.status_code, first.json()["offset"]) == (200, 3000)
    assert gang[0].client.head(url).headers["Upload-Offset"] == "3000"
    wrong = put(gang[0], FILE[100:], 100)
    assert (code(wrong), wrong.headers["Upload-Offset"]) == ((409, "wrong-offset"), "3000")
    assert put(gang[0], FILE[3000:], 3000).status_code == 201
    assert gang[0].client.head(url).headers["Upload-Offset"] == str(len(FILE))
    assert file_store.path_of("artifacts", SHA256).read_bytes() == FILE
    assert Artifact.objects.get(job=job).verified_at is not None


def test_a_file_that_came_before_its_event_is_verified_by_the_event(gang):
    job = make_running(*gang)
    put(gang[0], FILE, 0)
    gang[0].tell(event("artifact", name="model", format="safetensors", bytes=len(FILE), sha256=SHA256))
    assert Artifact.objects.get(job=job).verified_at is not None


def test_bytes_with_another_hash_are_thrown_away(gang, home):
    make_running(*gang)
    assert code(put(gang[0], b"x" * len(FILE), 0)) == (422, "wrong-hash")
    assert not [path for path in home.rglob("*") if path.is_file()]


def test_a_full_disk_is_told(gang, monkeypatch):
    make_running(*gang)

    def full(*_args):
        raise file_store.NoSpace

    monkeypatch.setattr(file_store, "append", full)
    assert code(put(gang[0], FILE, 0)) == (413, "no-space")


def test_an_ended_attempt_uploads_nothing_and_leaves_nothing_half_sent(gang, home, django_capture_on_commit_callbacks):
    make_running(*gang)
    put(gang[0], FILE[:10], 0)
    with django_capture_on_commit_callbacks(execute=True):
        gang[0].exit("failed", "killed", rank=0)
    assert code(put(gang[1], FILE, 0)) == (409, "stale-fence")
    assert not list(home.rglob("incoming/*"))


def test_a_model_is_served_by_range_to_the_device_that_starts_from_it(gang):
    source = make_running(*gang)
    gang[0].tell(event("artifact", name="model.safetensors", format="safetensors", bytes=len(FILE), sha256=SHA256))
    put(gang[0], FILE, 0)
    for agent in gang:
        agent.exit()
    url = f"/agent/v1/models/{SHA256}"
    assert code(gang[0].client.get(url)) == (404, "unknown-attempt")
    make_job(model={"source": "job", "id": source.pk})
    scheduling.round(clock.now())
    part = gang[0].client.get(url, headers={"Range": "bytes=7990-"})
    assert (part.status_code, b"".join(part.streaming_content)) == (206, FILE[7990:])
    assert part.headers["Content-Range"] == f"bytes 7990-7999/{len(FILE)}"
    whole = gang[0].client.get(url)
    assert (whole.status_code, b"".join(whole.streaming_content)) == (200, FILE)
    assert gang[0].client.get(url, headers={"Range": "bytes=9000-"}).status_code == 416


def test_a_checkpoint_on_the_server_is_fetched_by_a_device_that_lacks_it(gang):
    job = make_running(*gang)
    manifest = b'{"files": []}'
    manifest_sha256 = hashlib.sha256(manifest).hexdigest()
    files = [{"name": "model.safetensors", "sha256": SHA256, "bytes": len(FILE)}]
    for agent in gang:
        facts = {"directory": "step-10", "manifest": {"files": files}, "manifest_sha256": manifest_sha256}
        agent.tell(event("checkpoint", 10, **facts))
    put(gang[0], FILE, 0, kind="checkpoints")
    put(gang[0], manifest, 0, len(manifest), "checkpoints", manifest_sha256)
    gang[0].exit("failed", "killed", rank=0)
    gang[1].exit("cancelled")
    Job.objects.filter(pk=job.pk).update(not_before=None)
    scheduling.round(clock.now())
    gang[0].ack({"step": 10, "manifest_sha256": manifest_sha256})
    gang[1].ack()
    told = [gang[0].lease(port=5000).json(), gang[1].lease().json()]
    assert [answer["resume_step"] for answer in told] == [10, 10]
    assert told[0]["checkpoint"] == {}
    assert [file["name"] for file in told[1]["checkpoint"]["files"]] == ["model.safetensors", "manifest.json"]
    fetched = gang[1].client.get(f"/agent/v1/checkpoints/{SHA256}")
    assert b"".join(fetched.streaming_content) == FILE


def test_the_newest_checkpoint_on_the_server_counts_until_a_newer_one_is_there(gang):
    """Devices save faster than copies come: whoever lost a device goes on from the copy, not from the beginning."""
    job = make_running(*gang)
    manifest = b'{"files": []}'
    files = [{"name": "model.safetensors", "sha256": SHA256, "bytes": len(FILE)}]
    facts = {"manifest": {"files": files}, "manifest_sha256": hashlib.sha256(manifest).hexdigest()}
    for agent in gang:
        agent.tell(event("checkpoint", 10, directory="step-10", **facts))
    put(gang[0], FILE, 0, kind="checkpoints")
    put(gang[0], manifest, 0, len(manifest), "checkpoints", facts["manifest_sha256"])
    for step in (20, 30, 40):
        for agent in gang:
            agent.save(step, f"of step {step}")
    assert set(usable(job)) == {10, 30, 40}
    gang[0].exit("failed", "killed", rank=0)
    gang[1].exit("cancelled")
    Job.objects.filter(pk=job.pk).update(not_before=None)
    scheduling.round(clock.now())
    gang[0].ack(listed(30, "of step 30"), listed(40, "of step 40"))
    gang[1].ack()
    assert job.attempts.get(number=2).resumed_from_step == 10


def test_checkpoints_that_cannot_be_read_are_refused(gang):
    make_claimed(*gang)
    gang[0].assignments()
    assert code(gang[0].post("ack", checkpoints=[{"step": "x"}])) == (422, "impossible")
    assert gang[0].ack(listed(1, "one")).status_code == 200


def test_a_call_without_a_credential_is_refused(client):
    assert client.get("/agent/v1/assignments").status_code == 401
    assert client.put(f"/agent/v1/artifacts/{SHA256}").status_code == 401
    assert settings.FLEETUNE_HOME
