"""A job that ran out of memory says which batch would have fitted, and starts it with one press."""

import pytest

from devices import leases
from jobs import clock, memory_probes, scheduling
from jobs.models import Errand, Job
from jobs.sentences import ends, state_line
from tests.jobs.factories import make_gang, make_owner, make_running

pytestmark = pytest.mark.django_db


@pytest.fixture
def gang():
    return make_gang()


@pytest.fixture
def job(gang):
    """Its second device ran out of memory at its first batch of 64."""
    job = make_running(*gang, training={"per_device_train_batch_size": 64})
    gang[1].exit("failed", "out_of_memory", detail="cannot allocate", step=1)
    gang[0].exit("failed", "killed")
    job.refresh_from_db()
    assert (job.state, job.end_reason) == ("failed", "out_of_memory"), job.reason_params
    assert not leases.live().exists()
    return job


def probed(agent, **answer) -> None:
    """The device that ran out of memory tries, and tells."""
    memory_probes.drive(clock.now())
    scheduling.round(clock.now())
    assert agent.ack().status_code == 200
    assert agent.held["errand"]["kind"] == "preflight"
    agent.lease(port=5000)
    agent.post("exit", outcome="succeeded", answer=answer, gone=True)
    memory_probes.drive(clock.now())


def said(job: Job) -> str:
    job.refresh_from_db()
    return state_line(job)["text"]


def test_the_device_that_was_full_is_asked_once_and_its_answer_is_told(gang, job):
    memory_probes.drive(clock.now())
    memory_probes.drive(clock.now())
    assert Errand.objects.count() == 1
    assert "It is being tried which batch fits." in said(job)
    probed(gang[1], ok=False, reason="out_of_memory", detail="x", fits=24)
    assert "A batch of 24 per device fits: it was tried." in said(job)
    memory_probes.drive(clock.now())
    assert Errand.objects.count() == 1


def test_one_press_starts_it_with_the_batch_that_fits(client, gang, job):
    client.force_login(make_owner())
    assert client.post(f"/jobs/{job.pk}/do/clone-fitting/").status_code == 404
    probed(gang[1], ok=False, reason="out_of_memory", detail="x", fits=24)
    assert "Start it with a batch of 24" in client.get(f"/jobs/{job.pk}/").content.decode()
    client.post(f"/jobs/{job.pk}/do/clone-fitting/")
    fresh = Job.objects.latest("pk")
    assert fresh.pk != job.pk and fresh.spec["training"] == job.spec["training"] | {"per_device_train_batch_size": 24}


def test_where_nothing_fits_another_model_or_device_is_named(gang, job):
    probed(gang[1], ok=False, reason="out_of_memory", detail="x", fits=0)
    assert "Not even a batch of one fits. Use a smaller model, or a device with more memory." in said(job)


def test_a_device_that_cannot_tell_leaves_the_advice_as_it_was(gang, job):
    probed(gang[1], ok=True)
    assert "Use a smaller batch or model." in said(job)
    assert ends.text("out_of_memory", {"device": "a"}, job) == "a ran out of memory. Use a smaller batch or model."
