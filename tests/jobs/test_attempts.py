"""An attempt from its claim to its end, told by fake agents over the real protocol."""

from datetime import timedelta

import pytest

from jobs import clock, reconciler, scheduling
from jobs.metrics.read import whole
from jobs.models import Artifact, Checkpoint, Job
from tests.jobs.factories import (
    DATA_HASH,
    bring_to_running,
    event,
    listed,
    make_claimed,
    make_gang,
    make_job,
    make_running,
    sha256_of,
)  # fmt: skip

pytestmark = pytest.mark.django_db


@pytest.fixture
def gang():
    return make_gang()


def again(job: Job) -> Job:
    """The job as it stands now."""
    return Job.objects.get(pk=job.pk)


def state(job: Job) -> str:
    return again(job).state


def held(*agents) -> list[bool]:
    return [agent.device.leases.filter(released_at=None).exists() for agent in agents]


def next_attempt(job: Job) -> None:
    """Let the scheduler claim again, whatever delay the job was given."""
    Job.objects.filter(pk=job.pk).update(not_before=None)
    assert scheduling.round(clock.now()) == 1


def test_a_job_goes_from_claim_to_success_when_both_ranks_succeed(gang):
    job = make_running(*gang)
    assert gang[0].exit().status_code == 200
    assert state(job) == "running"
    assert gang[1].exit().status_code == 200
    steps = [step.to_state for step in job.transitions.all()]
    assert steps == ["pending", "claimed", "starting", "running", "succeeded"]
    assert held(*gang) == [False, False]


def test_a_rank_that_finished_first_keeps_its_device_until_the_gang_ends(gang):
    job = make_running(*gang)
    gang[0].exit()
    assert held(*gang) == [True, True]
    gang[1].exit()
    assert (state(job), held(*gang)) == ("succeeded", [False, False])


def test_the_attempt_starts_when_the_last_device_has_acknowledged(gang):
    job = make_claimed(*gang)
    gang[0].ack()
    waiting = again(job)
    assert (waiting.state, waiting.wait_reason) == ("claimed", "waiting_peers")
    assert waiting.reason_params == {"ready": 1, "wanted": 2, "missing": ["lab-1-cpu-1"]}
    gang[1].ack()
    assert state(job) == "starting"


def test_the_rendezvous_is_given_once_all_have_acknowledged_and_rank_0_has_told_its_port(gang):
    make_claimed(*gang)
    gang[0].ack()
    assert gang[0].lease(port=5001, address="10.0.0.1").json()["rendezvous"] is None
    gang[1].ack()
    assert gang[1].lease().json()["rendezvous"] is None
    first = gang[0].lease(port=5001, address="10.0.0.1").json()
    assert (first["rendezvous"]["host"], first["rendezvous"]["port"], first["resume_step"]) == ("10.0.0.1", 5001, 0)
    assert gang[1].lease().json()["rendezvous"] == first["rendezvous"]


def test_a_job_runs_when_all_ranks_hold_the_same_data_and_model(gang):
    job = make_claimed(*gang)
    for agent in gang:
        agent.ack()
    gang[0].prove()
    assert state(job) == "starting"
    gang[1].prove()
    running = again(job)
    assert (running.state, running.total_steps, running.stage) == ("running", 100, "compile")
    assert running.proofs["preprocess"]["1"]["data_hash"] == DATA_HASH
    assert running.started_at is not None


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"data": "e" * 64}, "recipe_mismatch"),
        ({"graph": "h"}, "version_mismatch"),
        ({"weights": "v"}, "version_mismatch"),
    ],
)
def test_a_job_whose_devices_differ_fails_before_step_0(gang, other, reason):
    job = make_claimed(*gang)
    for agent in gang:
        agent.ack()
    gang[0].prove()
    gang[1].prove(**other)
    failed = again(job)
    assert (failed.state, failed.end_reason) == ("failed", reason)
    assert failed.reason_params["devices"] == ["lab-1-cpu-1"]
    assert gang[0].lease().json()["wanted"] == "stop"


def test_a_killed_rank_ends_the_gang_and_the_job_goes_on_from_its_checkpoint(gang):
    job = make_running(*gang)
    for agent in gang:
        agent.save(50, "at 50")
    assert gang[1].exit("failed", "killed", rank=1).status_code == 200
    waiting = again(job)
    assert (waiting.state, waiting.wait_reason, waiting.failures) == ("pending", "retry_delay", 1)
    assert gang[0].lease().json()["wanted"] == "stop"
    gang[0].exit("cancelled", "user_cancelled")
    assert held(*gang) == [False, False]
    next_attempt(job)
    for agent in gang:
        agent.ack(listed(50, "at 50"))
    gang[0].lease(port=5002)
    assert gang[1].lease().json()["resume_step"] == 50
    ended = job.attempts.get(number=1)
    assert (ended.state, ended.end_reason) == ("failed", "killed")


def test_a_lost_peer_waits_for_the_peer_to_say_why(gang):
    job = make_running(*gang)
    gang[0].exit("failed", "sync_timeout", rank=0, peer=1)
    assert state(job) == "running"
    gang[1].exit("failed", "code_error", rank=1, detail="KeyError: 'label'")
    failed = again(job)
    assert (failed.state, failed.end_reason) == ("failed", "code_error")
    assert held(*gang) == [False, False]


def test_a_lost_peer_that_stays_silent_is_the_reason_after_a_moment(gang):
    job = make_running(*gang)
    gang[0].exit("failed", "sync_timeout", rank=0, peer=1)
    assert reconciler.end_overdue_jobs(clock.now() + timedelta(seconds=4)) == 1
    waiting = again(job)
    assert (waiting.state, waiting.reason_params["reason"]) == ("pending", "sync_timeout")
    assert sorted(waiting.avoid) == sorted(str(agent.device.pk) for agent in gang)


def test_the_pair_whose_line_is_cut_is_named_and_avoided_and_not_who_only_waited():
    gang = make_gang(3)
    job = make_running(*gang)
    gang[0].exit("failed", "sync_timeout", rank=0, peers=[1, 2], what="silent")
    gang[2].exit("failed", "sync_timeout", rank=2, peer=1, what="unreachable", addresses=["10.0.0.3", "10.0.0.2"])
    assert reconciler.end_overdue_jobs(clock.now() + timedelta(seconds=4)) == 1
    waiting, pair = again(job), (gang[2].device, gang[1].device)
    assert waiting.reason_params["devices"] == [device.slug for device in pair]
    assert sorted(waiting.avoid) == sorted(str(device.pk) for device in pair)


def test_three_infrastructure_failures_end_the_job_with_their_reason(gang):
    job = make_running(*gang)
    for number in range(1, 4):
        gang[0].exit("failed", "killed", rank=0)
        gang[1].exit("cancelled")
        if number < 3:
            assert again(job).failures == number
            next_attempt(job)
            bring_to_running(job, *gang)
    assert (state(job), again(job).end_reason) == ("failed", "killed")
    assert job.attempts.count() == 3


def test_a_newer_checkpoint_sets_the_count_of_failures_back(gang):
    job = make_running(*gang)
    Job.objects.filter(pk=job.pk).update(failures=2)
    gang[0].save(10, "ten")
    assert again(job).failures == 2
    gang[1].save(10, "ten")
    assert again(job).failures == 0


def test_out_of_memory_is_not_tried_again(gang):
    job = make_running(*gang)
    gang[0].exit("failed", "out_of_memory", rank=0, step=40)
    failed = again(job)
    assert (failed.state, failed.end_reason, failed.reason_params["device"]) == (
        "failed",
        "out_of_memory",
        "lab-1-cpu-0",
    )


def test_success_waits_for_every_artifact(gang):
    job = make_running(*gang)
    gang[0].tell(event("artifact", name="model.safetensors", format="safetensors", bytes=3, sha256="a" * 64))
    gang[0].tell(event("artifact", name="model.onnx", format="onnx", error="no exporter"))
    gang[0].exit(gone=False)
    gang[1].exit()
    assert state(job) == "running"
    Artifact.objects.filter(job=job, name="model.safetensors").update(verified_at=clock.now())
    gang[0].exit()
    assert state(job) == "succeeded"


def test_success_without_its_files_is_a_failure_of_the_store(gang):
    job = make_running(*gang)
    gang[0].tell(event("artifact", name="model.safetensors", format="safetensors", bytes=3, sha256="a" * 64))
    for agent in gang:
        agent.exit()
    assert (state(job), job.attempts.get().end_reason) == ("pending", "storage_unavailable")


def test_success_waits_for_the_whole_spool(gang):
    job = make_running(*gang)
    gang[0].exit()
    gang[1].batch += 1
    gang[1].exit()
    assert state(job) == "running"
    gang[1].batch -= 1
    gang[1].stage("evaluate", step=100, metrics={"eval/accuracy": 0.9}, samples=10)
    assert state(job) == "succeeded"


def test_only_a_checkpoint_that_all_devices_list_is_gone_on_from(gang):
    job = make_running(*gang)
    for agent in gang:
        agent.save(10, "ten")
    gang[0].save(20, "twenty")
    gang[0].exit("failed", "killed", rank=0)
    gang[1].exit("cancelled")
    next_attempt(job)
    gang[0].ack(listed(10, "ten"), listed(20, "twenty"))
    gang[1].ack(listed(10, "ten"))
    assert job.attempts.get(number=2).resumed_from_step == 10


def test_a_checkpoint_that_was_never_reported_is_not_gone_on_from(gang):
    """Its points may be missing: the report travels behind them."""
    job = make_claimed(*gang)
    for agent in gang:
        agent.ack(listed(30, "unreported"))
    assert job.attempts.get().resumed_from_step == 0


def test_going_on_takes_back_points_and_checkpoints_past_the_step(gang):
    job = make_running(*gang)
    for agent in gang:
        agent.tell(points={"train/loss": [1.0] * 25})
        agent.save(10, "ten")
    gang[0].save(20, "twenty")
    gang[0].exit("failed", "killed", rank=0)
    gang[1].exit("cancelled")
    next_attempt(job)
    for agent in gang:
        agent.ack(listed(10, "ten"))
        agent.prove()
    assert state(job) == "running"
    assert again(job).step == 10
    assert [len(whole(job.pk, rank, "train/loss")) for rank in (0, 1)] == [10, 10]
    assert dict(Checkpoint.objects.filter(job=job).values_list("step", "state")) == {10: "complete", 20: "pruned"}


def test_copies_of_one_step_from_two_attempts_are_not_mixed():
    from jobs.starting import newest_common_step

    rows = [Checkpoint(step=20, manifest_hash=name, attempt_id=attempt) for name, attempt in (("a", 1), ("b", 2))]
    one = [{"step": 20, "manifest_sha256": "a"}]
    other = [{"step": 20, "manifest_sha256": "b"}]
    assert newest_common_step([one, other], rows) == 0
    assert newest_common_step([one, one], rows) == 20
    assert newest_common_step([one, []], rows, stored=[20]) == 20


def test_a_checkpoint_is_complete_when_it_outlives_its_host(gang):
    job = make_running(*gang)
    gang[0].save(10, "ten")
    assert Checkpoint.objects.get(job=job).state == "complete"
    from tests.devices.factories import make_device, make_host

    make_device("far-cpu-0", make_host("far"))
    gang[0].save(20, "twenty")
    assert Checkpoint.objects.get(job=job, step=20).state == "local"


def test_an_evaluation_is_kept_for_each_device(gang):
    job = make_running(*gang)
    for agent in gang:
        metrics = {"eval/accuracy": 0.9125}
        agent.tell(event("evaluation", 100, split="test", artifact="model.safetensors", samples=500, metrics=metrics))
    rows = job.evaluations.all()
    assert {row.device.slug for row in rows} == {"lab-1-cpu-0", "lab-1-cpu-1"}
    assert {row.metrics["eval/accuracy"] for row in rows} == {0.9125}


def test_ranks_that_went_back_further_move_the_step_that_is_withdrawn_to(gang):
    job = make_running(*gang)
    for agent in gang:
        agent.save(10, "ten")
        agent.save(20, "twenty")
    gang[0].exit("failed", "killed", rank=0)
    gang[1].exit("cancelled")
    next_attempt(job)
    for agent in gang:
        agent.ack(listed(10, "ten"), listed(20, "twenty"))
    for agent in gang:
        agent.tell(event("choice", what="resume step", chosen="10", reason="damaged"))
        agent.prove()
    assert job.attempts.get(number=2).resumed_from_step == 10


def test_a_job_that_is_preparing_data_says_so_and_is_waited_for(gang):
    job = make_claimed(*gang)
    before = again(job).deadline_at
    Job.objects.filter(pk=job.pk).update(deadline_at=before - timedelta(seconds=20))
    gang[1].assignments()
    gang[1].lease(activity="preparing_data", progress=0.62)
    waiting = again(job)
    assert (waiting.wait_reason, waiting.reason_params) == ("preparing_data", {"device": "lab-1-cpu-1", "percent": 62})
    assert waiting.deadline_at > before - timedelta(seconds=1)


def test_a_source_job_hands_its_model_to_the_job_that_goes_on(gang):
    source = make_running(*gang)
    for name in ("model.safetensors", "config.json", "model.onnx"):
        gang[0].tell(event("artifact", name=name, format="x", bytes=3, sha256=sha256_of(name)))
    Artifact.objects.filter(job=source).update(verified_at=clock.now())
    for agent in gang:
        agent.exit()
    assert state(source) == "succeeded"
    make_job(model={"source": "job", "id": source.pk})
    assert scheduling.round(clock.now()) == 1
    (assigned,) = gang[1].assignments()
    assert [file["name"] for file in assigned["model"]["files"]] == ["config.json", "model.safetensors"]
