"""Errands and preflight: one real batch on each chosen device, asked of fake agents over the real protocol."""

from datetime import timedelta

import pytest

from catalog.models import PreparedData, PreparedState
from devices.models import Lease
from jobs import claims, clock, errands, hooks, preflight, reconciler, scheduling
from jobs.models import Errand, Job
from jobs.sentences import ends
from tests.devices.factories import make_device, make_host, make_lease
from tests.jobs.factories import DATA_HASH, FakeAgent, make_gang, make_job, make_owner, make_prepared, make_version

pytestmark = pytest.mark.django_db
BODY = {"task": "image-classification", "dataset": "shapes", "model": {"source": "conv"}}
MEASURED = {
    "ok": True,
    "step_seconds": 0.012,
    "peak_memory_bytes": 300 * 2**20,
    "data_hash": DATA_HASH,
    "graph_hash": "g",
}


@pytest.fixture
def gang():
    return make_gang()


@pytest.fixture
def maria():
    owner = make_owner()
    make_prepared(make_version(owner))
    return owner


def answer(agent: FakeAgent, outcome: str = "succeeded", **told):
    """The device does its errand and reports."""
    assert agent.ack().status_code == 200
    agent.lease(port=5000)
    agent.tell()
    return agent.post("exit", outcome=outcome, answer=told, gone=True)


def checked(owner, *agents: FakeAgent, answers=(), within: float = 20, **body) -> dict[str, list[dict]]:
    """A preflight during which each agent gives its answer; its checks by name."""
    left = list(zip(agents, answers, strict=True))

    def reply():
        for agent, told in list(left):
            if agent.assignments():
                left.remove((agent, told))
                answer(agent, **told)

    found: dict[str, list[dict]] = {}
    for check in preflight.preflight(owner, BODY | body, within, between=reply):
        found.setdefault(check["name"], []).append(check)
    return found


def test_a_cancelled_preflight_stops_and_frees_its_devices(gang, maria):
    sent = preflight.start(maria, BODY).errands
    scheduling.round(clock.now())
    assert gang[0].ack().status_code == 200
    assert gang[0].lease(port=5000).json()["wanted"] == "run"
    numbers = [errand.pk for errand in sent]
    assert errands.cancel(make_owner("somebody-else"), numbers, clock.now()) == 0
    assert errands.cancel(maria, numbers, clock.now()) == 2
    assert errands.cancel(maria, numbers, clock.now()) == 0
    assert gang[0].lease(port=5000).json()["wanted"] == "stop"
    gang[0].post("exit", outcome="cancelled", gone=True)
    assert set(Errand.objects.values_list("state", flat=True)) == {"cancelled"}
    assert not Lease.objects.filter(device=gang[0].device, released_at=None).exists()


def test_a_preflight_runs_one_batch_on_each_device_and_creates_no_job(gang, maria):
    found = checked(maria, *gang, answers=[MEASURED, MEASURED])
    assert all(check["ok"] for checks in found.values() for check in checks)
    assert [check["device"] for check in found["batch"]] == ["lab-1-cpu-0", "lab-1-cpu-1"]
    assert "12 ms" in found["batch"][0]["text"]
    assert "300 MiB" in found["batch"][0]["text"]
    assert found["agreement"][0]["text"] == "All devices hold the same data and build the same model."
    assert not Job.objects.exists()
    assert not Lease.objects.filter(released_at=None).exists()


def test_an_errand_is_assigned_with_spec_data_and_deadline(gang, maria):
    started = preflight.start(maria, BODY)
    scheduling.round(clock.now())
    (assigned,) = gang[0].assignments()
    assert (assigned["kind"], assigned["id"], assigned["world_size"]) == ("errand", started.errands[0].pk, 1)
    assert assigned["errand"] == {"kind": "preflight"}
    assert assigned["spec"]["training"]["per_device_train_batch_size"] == 64
    assert assigned["data"]["hash"] == DATA_HASH
    assert assigned["deadline"] > clock.now().timestamp()


def test_an_errand_meets_nobody_and_may_begin_at_once(gang, maria):
    preflight.start(maria, BODY)
    scheduling.round(clock.now())
    gang[0].ack()
    assert gang[0].lease().json()["rendezvous"] is None
    told = gang[0].lease(port=5007, address="10.0.0.1").json()
    assert (told["rendezvous"]["port"], told["resume_step"], told["wanted"]) == (5007, 0, "run")


def test_a_batch_that_fails_is_told_with_its_reason(gang, maria):
    failed = {"ok": False, "reason": "out_of_memory", "detail": "cannot allocate"}
    found = checked(maria, *gang, answers=[MEASURED, failed])
    assert [check["ok"] for check in found["batch"]] == [True, False]
    assert found["batch"][1]["text"] == "lab-1-cpu-1 ran out of memory. Use a smaller batch or model."
    assert "agreement" not in found


def test_a_killed_errand_is_a_failed_batch(gang, maria):
    found = checked(maria, *gang, answers=[MEASURED, {"outcome": "failed"}])
    assert found["batch"][1]["ok"] is False


def test_devices_that_would_build_other_models_do_not_agree(gang, maria):
    found = checked(maria, *gang, answers=[MEASURED, MEASURED | {"graph_hash": "h"}])
    assert found["agreement"][0]["ok"] is False


def test_every_problem_of_the_request_is_told_with_its_path(gang, maria):
    found = checked(maria, dataset="nope", training={"learning_rat": 1})
    assert {check["path"] for check in found["spec"]} == {"training.learning_rat", "dataset"}
    assert not Errand.objects.exists()


def test_devices_that_cannot_train_together_are_refused_with_both_versions_and_the_command(maria):
    make_device("lab-1-cpu-0")
    make_device("old-cpu-0", make_host("old", torch="2.9.0+cpu"))
    for devices in ({"count": 2}, {"ids": ["lab-1-cpu-0", "old-cpu-0"]}):
        found = checked(maria, devices=devices)
        text = (found.get("devices") or found["spec"])[0]["text"]
        assert "2.13.0" in text
        assert "2.9.0" in text
        assert "pip install torch==2.13.0" in text
        assert not Errand.objects.exists()


def test_a_busy_device_is_said_to_be_busy_and_the_free_one_is_tried(gang, maria):
    make_lease(gang[0].device, attempt_id=99)
    found = checked(maria, gang[1], answers=[MEASURED])
    assert found["devices"][0]["ok"] is None
    assert [check["device"] for check in found["batch"]] == ["lab-1-cpu-1"]


def test_a_batch_waits_until_its_data_is_prepared(gang, maria):
    PreparedData.objects.update(state=PreparedState.BUILDING)
    started = preflight.start(maria, BODY)
    scheduling.round(clock.now())
    assert gang[0].assignments() == []
    assert {check.name: check.ok for check in started.checks_now()}["data"] is None
    PreparedData.objects.update(state=PreparedState.READY)
    scheduling.round(clock.now())
    assert gang[0].assignments()[0]["id"] == started.errands[0].pk
    assert {check.name: check.ok for check in started.checks_now()}["data"] is True


def test_an_answer_that_does_not_come_in_time_is_a_failed_check_and_the_device_is_told_to_stop(gang, maria):
    found = checked(maria, within=0.2)
    assert [check["ok"] for check in found["batch"]] == [False, False]
    (assigned,) = gang[0].assignments()
    assert assigned["wanted"] == "stop"
    gang[0].post("exit", outcome="cancelled", gone=True)
    assert gang[0].assignments() == []


def test_an_errand_ends_at_its_deadline_and_is_never_tried_again(gang, maria):
    preflight.start(maria, BODY)
    scheduling.round(clock.now())
    later = clock.now() + timedelta(seconds=claims.ERRAND_S + 1)
    assert errands.end_overdue(later) == 2
    scheduling.round(later)
    assert set(Errand.objects.values_list("state", flat=True)) == {"failed"}


def test_time_that_an_errand_stood_in_line_is_not_taken_from_its_work(gang, maria):
    [errand] = errands.create("evaluate", maria, [gang[0].device], payload(), clock.now(), patience=errands.PATIENCE_S)
    much_later = clock.now() + timedelta(seconds=claims.ERRAND_S * 10)
    assert errands.end_overdue(much_later) == 0
    assert claims.claim_errand(errand, much_later)
    errand.refresh_from_db()
    assert errand.deadline_at - much_later == timedelta(seconds=claims.ERRAND_S)


def test_an_errand_whose_data_cannot_be_prepared_ends_with_the_reason_and_takes_no_device(gang, maria):
    [errand] = errands.create("evaluate", maria, [gang[0].device], payload(), clock.now())
    PreparedData.objects.update(state=PreparedState.FAILED, error="%(file)s is empty.", error_params={"file": "a.png"})
    scheduling.round(clock.now())
    errand.refresh_from_db()
    assert (errand.state, errand.answer["sentence"]) == ("failed", "%(file)s is empty.")
    assert "a.png is empty." in ends.of_errand(errand.answer, "gpu-0")
    assert not Lease.objects.exists()


def test_data_that_is_asked_about_beside_the_model_s_own_is_waited_for_and_may_fail(gang, maria):
    own = PreparedData.objects.get()
    other = PreparedData.objects.create(version=own.version, recipe=own.recipe, like=own, manifest=own.manifest)
    asked = payload() | {"foreign": {"dataset": "others", "prepared": other.pk}}
    errands.create("evaluate", maria, [gang[0].device], asked, clock.now())
    scheduling.round(clock.now())
    assert gang[0].assignments() == []

    PreparedData.objects.filter(pk=other.pk).update(state=PreparedState.FAILED, error="Nothing in it.")
    scheduling.round(clock.now())
    [assigned] = gang[0].assignments()
    assert assigned["errand"]["foreign"] == {"dataset": "others", "why": "Nothing in it."}
    assert assigned["more_data"] == []
    PreparedData.objects.filter(pk=other.pk).update(state=PreparedState.READY, hash="e" * 64)
    [assigned] = gang[0].assignments()
    assert [data["hash"] for data in assigned["more_data"]] == ["e" * 64]
    assert hooks.data_needed_by(gang[0].device) == [DATA_HASH, "e" * 64]


def payload():
    return {"spec": {}, "prepared": PreparedData.objects.get(like=None).pk, "source": None}


def test_an_errand_whose_device_falls_silent_is_lost(gang, maria):
    preflight.start(maria, BODY)
    scheduling.round(clock.now())
    late = clock.now() + timedelta(seconds=20)
    Lease.objects.update(healthy_ticks=20)
    reconciler.end_silent_leases(late)
    assert set(Errand.objects.values_list("state", flat=True)) == {"failed"}
    assert Errand.objects.first().answer["reason"] == "device_lost"
    assert not Lease.objects.filter(released_at=None).exists()


def test_an_errand_goes_before_a_waiting_job(gang, maria):
    job = make_job(count=2)
    preflight.start(maria, BODY)
    scheduling.round(clock.now())
    job.refresh_from_db()
    assert (job.state, job.wait_reason, job.reason_params["errand"]) == ("pending", "device_busy", "preflight")
