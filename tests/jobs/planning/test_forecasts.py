"""What is predicted of a job: from preflights, from earlier jobs, and held against what came."""

import pytest

from contract.spec import JobSpec
from devices.models import Device
from jobs import clock, queries
from jobs.models import Errand, ErrandState, Job
from jobs.planning import forecasts, knowledge, plan, reasons
from tests.jobs.factories import STEPS, make_gang, make_job, make_owner, make_prepared, make_running, make_version

pytestmark = pytest.mark.django_db

BODY = {"task": "image-classification", "dataset": "shapes", "model": {"source": "conv"}, "recipe": STEPS}
BODY |= {"training": {"per_device_train_batch_size": 8}}


def make_preflight(device: Device, version, seconds: float, **more) -> Errand:
    """A preflight of BODY that has answered: a batch of 8 took so many seconds."""
    batches = {"8": {"seconds": seconds, "peak_memory_bytes": 4 * 10**8}, **more}
    answer = {"ok": True, "step_seconds": seconds, "peak_memory_bytes": 4 * 10**8, "parameters": 9000}
    answer |= {"evaluated_sample_seconds": seconds / 24, "batches": batches}
    likeness = knowledge.likeness(JobSpec.parse(BODY).to_json(), STEPS, version.pk)[0]
    return Errand.objects.create(
        kind="preflight",
        owner=make_owner(),
        device=device,
        payload={"likeness": likeness},
        state=ErrandState.DONE,
        answer=answer,
        deadline_at=clock.now(),
    )


def planned(version, **parts):
    return plan.of(JobSpec.parse({**BODY, **parts}), version, STEPS)


def finish(job: Job, agents, working: dict[int, float]) -> Job:
    """All ranks end well; `working` seconds a rank for 10 samples."""
    for number, agent in enumerate(agents):
        agent.tell(points={"train/loss": [1.0]})
        spent = {"own_samples": 10, "counted_steps": 5, "working_seconds": working[number], "waiting_seconds": 0.1}
        spent |= {"bytes_per_step": 36_000, "peak_memory_bytes": 5 * 10**8, "parameters": 9000, "weights_hash": "w"}
        agent.stage("fine_tune", steps=5, seconds=2.0, **spent)
        agent.stage("evaluate", metrics={"accuracy": 0.5}, samples=10, seconds=0.5)
    for agent in agents:
        assert agent.exit().status_code == 200
    job.refresh_from_db()
    assert job.state == "succeeded", job.reason_params
    return job


def test_without_any_measurement_a_plan_says_what_to_do():
    version, _ = make_version(), make_gang()
    found = planned(version)
    assert (found.steps, found.proposal, found.longest) == (25, None, 0.0)
    assert "preflight" in reasons.sentences(found)[0]


def test_a_preflight_gives_times_reasons_and_ways():
    version = make_version()
    make_prepared(version)
    gang = make_gang(3)
    for agent, seconds in zip(gang, (0.08, 0.08, 0.32), strict=True):
        make_preflight(agent.device, version, seconds)
    slugs = [agent.device.slug for agent in gang]
    found = reasons.to_json(planned(version, devices={"ids": slugs}))
    assert found["basis"] == "preflight" and found["shortest_seconds"] < found["seconds"] < found["longest_seconds"]
    assert found["parts"]["train"] == pytest.approx(5 * 4 * 0.32, rel=0.3)
    assert any("Leave lab-1-cpu-2 out" in text for text in found["reasons"])
    (proposed,) = [way for way in found["choices"] if way["proposed"]]
    assert proposed["seconds"] < found["seconds"] and [way["asked"] for way in found["choices"]].count(True) == 1


def test_data_that_has_to_be_prepared_first_is_in_the_time():
    ready, later = make_version(slug="ready"), make_version()
    make_prepared(ready, seconds=20.0)
    gang = make_gang(1)
    for version in (ready, later):
        make_preflight(gang[0].device, version, 0.08)
    assert planned(ready, devices={"count": 1}).proposal.asked.cost.parts["prepare"] == 0
    assert planned(later, devices={"count": 1}).proposal.asked.cost.parts["prepare"] == pytest.approx(20)


def test_a_device_that_was_not_measured_counts_like_one_of_its_kind():
    version = make_version()
    gang = make_gang(2)
    make_preflight(gang[0].device, version, 0.08)
    assert planned(version).proposal is not None


def test_a_finished_job_is_held_against_its_prediction_and_teaches_the_next_one():
    version = make_version()
    gang = make_gang(2)
    for agent in gang:
        make_preflight(agent.device, version, 0.08)
    job = make_running(*gang, training=BODY["training"])
    assert job.forecast.basis == "preflight" and job.forecast.predicted["train"] > 0
    job = finish(job, gang, {0: 0.2, 1: 0.4})
    told = queries.job_json(Job.objects.get(pk=job.pk))["forecast"]
    assert told["real_seconds"] >= 2.5 and told["error"] == told["real_seconds"] / told["predicted_seconds"] - 1
    assert forecasts.card(Job.objects.get(pk=job.pk))["compared"] == 1
    learnt = planned(version)
    assert learnt.known.basis == "jobs"
    assert learnt.known.paces == pytest.approx({"lab-1-cpu-0": 0.02, "lab-1-cpu-1": 0.04})
    assert planned(version, training={"per_device_train_batch_size": 16}).known.basis == "kin"


def test_trainings_that_took_longer_than_preflights_said_correct_the_next_forecast():
    version = make_version()
    gang = make_gang(2)
    for agent in gang:
        make_preflight(agent.device, version, 0.04)
    job = make_running(*gang, training=BODY["training"])
    predicted = job.forecast.predicted["train"]
    finish(job, gang, {0: 0.2, 1: 0.2})
    expected = min(max(2.0 / predicted, knowledge.LEAST_CORRECTION), knowledge.MOST_CORRECTION)
    assert knowledge._correction() == pytest.approx(expected)


def test_a_job_of_which_nothing_is_known_is_predicted_nothing():
    make_gang(2)
    job = make_job()
    assert job.forecast.predicted == {} and queries.job_json(job)["forecast"]["predicted_seconds"] is None
    assert forecasts.card(job) is None
