"""What cannot be is refused before a device is asked, by submit and by preflight alike, with what to change."""

import pytest

from catalog.models import Dataset, DatasetVersion
from contract.problems import Invalid
from jobs import preflight, services
from tests.jobs.factories import make_gang, make_owner, make_prepared, make_version

pytestmark = pytest.mark.django_db
BODY = {"task": "image-classification", "dataset": "shapes", "model": {"source": "conv"}}
PIPELINE = {"strategy": "pipeline"}


@pytest.fixture
def maria():
    make_gang()
    owner = make_owner()
    make_prepared(make_version(owner))
    return owner


def refusal(owner, **parts) -> tuple[str, str]:
    """Path and sentence; preflight says the same and sends no batch."""
    with pytest.raises(Invalid) as refused:
        services.submit(owner, BODY | parts, via="api")
    [problem] = refused.value.problems
    started = preflight.start(owner, BODY | parts)
    assert [(check.ok, check.path, check.text) for check in started.checks] == [(False, problem.path, str(problem))]
    assert not started.errands
    return problem.path, str(problem)


def test_a_task_that_does_not_fit_the_data(maria):
    path, sentence = refusal(maria, task="object-detection", model={"source": "detector"})
    assert path == "dataset" and "is for the task image-classification. Choose that task or another" in sentence


def test_a_model_that_does_not_fit_the_task(maria):
    path, sentence = refusal(maria, model={"source": "detector"})
    assert path == "model.source" and "Choose one of" in sentence


def test_fewer_samples_than_devices_that_would_share_them(maria):
    DatasetVersion.objects.update(splits={"train": {"count": 3}, "validation": {"count": 0}, "test": {"count": 1}})
    path, sentence = refusal(maria, devices={"count": 4})
    assert path == "devices" and sentence.startswith("The data has 3 samples to train on, fewer than the 4 devices")
    assert services.submit(maria, BODY | {"devices": {"count": 3}}, via="api").pk


def test_a_batch_that_leaves_devices_of_a_pipeline_idle(maria):
    small = {"per_device_train_batch_size": 1}
    path, sentence = refusal(maria, devices={"count": 2}, parallel=PIPELINE, training=small)
    assert path == "training.per_device_train_batch_size" and "give a batch of at least 2" in sentence
    enough = small | {"gradient_accumulation_steps": 2}
    assert services.submit(maria, BODY | {"parallel": PIPELINE, "devices": {"count": 2}, "training": enough}, via="api")


def test_a_dataset_that_is_not_there_is_named(maria):
    Dataset.objects.update(slug="forms")
    path, sentence = refusal(maria)
    assert path == "dataset" and "shapes" in sentence
