"""Which devices a job gets by label and need, what a full disk keeps it from, and what it is told when none fits."""

import pytest

from contract.problems import Invalid
from contract.spec import JobSpec
from devices.models import Device
from jobs import clock, ending, scheduling
from jobs.models import Job
from jobs.sentences import waits
from tests.devices.factories import make_device, make_host
from tests.jobs.factories import make_gang, make_job, make_running

GIB = 2**30
BODY = {"task": "image-classification", "dataset": "shapes", "model": {"source": "conv"}}


def placed(job: Job) -> list[str]:
    """The devices on which a round puts the job."""
    scheduling.round(clock.now())
    job.refresh_from_db()
    attempt = job.attempts.first()
    return [rank.device.slug for rank in attempt.ranks.select_related("device")] if attempt else []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("asked", "slug"),
    [
        ({"labels": ["lab", "fast"]}, "both-labels"),
        ({"kind": "cuda"}, "gpu"),
        ({"min_memory_bytes": 32 * GIB}, "large"),
    ],
)
def test_a_device_is_chosen_by_what_it_must_be(asked, slug):
    make_device("plain")
    make_device("one-label", labels=["lab"])
    make_device("both-labels", labels=["fast", "lab", "x"])
    make_device("gpu", kind="cuda", memory_bytes=16 * GIB)
    make_device("large", memory_bytes=64 * GIB)
    assert placed(make_job(devices={"count": 1, **asked})) == [slug]


@pytest.mark.django_db
def test_the_size_of_an_unknown_memory_is_no_promise():
    make_device("unknown")
    assert placed(make_job(devices={"count": 1, "min_memory_bytes": GIB})) == []


@pytest.mark.django_db
def test_a_fitting_device_that_is_busy_or_offline_is_named():
    make_device("gpu", kind="cuda", state="offline")
    job = make_job(devices={"count": 1, "kind": "cuda"})
    assert placed(job) == []
    assert (job.wait_reason, job.reason_params["device"]) == ("device_offline", "gpu")


@pytest.mark.django_db
def test_when_none_fits_the_sentence_says_what_was_asked_for_and_how_many_there_are():
    make_gang(2)
    job = make_job(devices={"count": 2, "kind": "cuda", "labels": ["lab"], "min_memory_bytes": 8 * GIB})
    assert placed(job) == []
    assert job.wait_reason == "no_device"
    line = waits.line(job.wait_reason, job.reason_params, job)
    assert "0 of the 2 registered devices fit" in line.text
    assert all(part in line.text for part in ("the label lab", "GPU", "of memory", "2 are wanted"))
    assert [action.url for action in line.actions] == ["/devices/", f"/jobs/new/?from={job.pk}"]


@pytest.mark.django_db
def test_devices_that_fit_and_cannot_train_together_are_told_with_both_versions():
    make_device("new", labels=["lab"])
    make_device("old", make_host("old", torch="2.9.0+cpu"), labels=["lab"])
    job = make_job(devices={"count": 2, "labels": ["lab"]})
    assert placed(job) == []
    assert "versions" in job.reason_params


@pytest.mark.parametrize(
    ("devices", "path"),
    [
        ({"kind": "tpu"}, "devices.kind"),
        ({"ids": ["a"], "labels": ["lab"]}, "devices.ids"),
        ({"min_memory_bytes": -1}, "devices.min_memory_bytes"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_at_its_place(devices, path):
    with pytest.raises(Invalid) as refused:
        JobSpec.parse(BODY | {"devices": devices})
    assert [problem.path for problem in refused.value.problems] == [path]


@pytest.mark.django_db
def test_a_job_whose_device_was_full_waits_until_twice_its_need_is_free():
    (agent,) = make_gang(1)
    job = make_running(agent, devices={"ids": ["lab-1-cpu-0"]})
    agent.exit("failed", "no_space", rank=0)
    job.refresh_from_db()
    assert (job.state, job.wait_reason, job.reason_params["need"]) == ("pending", "no_space", 2 * ending.LEAST_SPACE)
    report_free(agent.device, 2 * ending.LEAST_SPACE - 1)
    scheduling.round(clock.now())
    job.refresh_from_db()
    assert (job.state, job.wait_reason) == ("pending", "no_space")
    assert "64.0 MiB" in waits.line(job.wait_reason, job.reason_params, job).text
    report_free(agent.device, 2 * ending.LEAST_SPACE)
    assert scheduling.round(clock.now()) == 1


@pytest.mark.django_db
def test_a_job_whose_device_was_full_goes_on_with_another_that_has_room():
    agents = make_gang(1)
    job = make_running(*agents)
    agents[0].exit("failed", "no_space", rank=0)
    report_free(agents[0].device, 0)
    make_device("roomy", reading={"system/disk_free_bytes": 10.0 * GIB})
    assert scheduling.round(clock.now()) == 1
    job.refresh_from_db()
    assert job.attempts.get(number=2).ranks.get().device.slug == "roomy"


def report_free(device: Device, bytes: int) -> None:
    Device.objects.filter(pk=device.pk).update(reading={"system/disk_free_bytes": float(bytes)})
