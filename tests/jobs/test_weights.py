"""Which weights a job begins with: chosen once, and the same for every attempt and for whoever asks later."""

import pytest

from contract.problems import Invalid
from jobs import clock, scheduling, weights
from jobs.models import Artifact, Job
from tests.jobs.factories import bring_to_running, make_claimed, make_gang, make_job, with_checkpoint
from tests.results.factories import digest, succeed

pytestmark = pytest.mark.django_db


@pytest.fixture
def gang():
    return make_gang()


@pytest.fixture
def source(gang):
    """A job that succeeded after two checkpoints."""
    job = make_claimed(*gang)
    bring_to_running(job, *gang)
    for step in (10, 20):
        with_checkpoint(gang[0], step)
    return succeed(job, gang)


def begun_from(source, gang, **more):
    job = make_job(model={"source": "job", "id": source.pk, **more})
    assert scheduling.round(clock.now()) == 1
    return Job.objects.get(pk=job.pk), gang[0].assignments()[0]["model"]["files"]


def test_a_job_begins_with_what_its_source_left_and_stays_with_it_when_that_changes(source, gang):
    job, files = begun_from(source, gang)
    assert {file["name"]: file["sha256"] for file in files} == {
        name: digest(name) for name in ("model.safetensors", "config.json")
    }
    Artifact.objects.filter(job=source, name="model.safetensors").update(sha256="0" * 64)
    assert gang[0].assignments()[0]["model"]["files"] == files
    assert {file["sha256"] for file in weights.began_with(job)} == {file["sha256"] for file in files}


def test_a_job_may_begin_with_a_checkpoint_of_its_source(source, gang):
    job, files = begun_from(source, gang, step=10)
    [checkpoint] = source.checkpoints.filter(step=10)
    assert [file["sha256"] for file in files] == [checkpoint.manifest["files"][0]["sha256"]]
    assert [file["kind"] for file in job.began_with] == ["checkpoints"]
    assert weights.missing(job.began_with) == []


def test_a_checkpoint_that_is_not_there_is_refused_with_those_that_are(source):
    with pytest.raises(Invalid) as raised:
        make_job(model={"source": "job", "id": source.pk, "step": 15})
    [problem] = raised.value.problems
    assert problem.path == "model.step" and problem.params["there"] == "20, 10"
