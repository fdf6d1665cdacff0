"""One figure a job, the same on every page, with the split that it was measured on."""

import pytest

from jobs import headline_figure
from jobs.models import Evaluation, Job
from tests.jobs.factories import FakeAgent, make_gang, make_running
from tests.jobs.test_pages import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def measured():
    """A job whose last look at the validation split said 0.91 and whose devices measured 0.875 on the test split."""
    gang = make_gang()
    job = make_running(*gang)
    Job.objects.filter(pk=job.pk).update(summary={"eval/accuracy": 0.91, "train/loss": 0.2})
    attempt = job.attempts.get()
    for agent in gang:
        _tells(agent, job, attempt)
    return Job.objects.get(pk=job.pk)


def _tells(agent: FakeAgent, job, attempt) -> None:
    more = {"artifact": "model.safetensors", "split": "test", "samples": 500, "metrics": {"accuracy": 0.875}}
    Evaluation.objects.create(job=job, attempt=attempt, device=agent.device, **more)


def test_what_was_measured_at_the_end_counts_before_the_last_look_on_the_way(measured):
    figure = headline_figure.of([measured])[measured.pk]
    assert (figure.value, figure.split, figure.label) == (0.875, "test", "Accuracy, test")


def test_until_then_it_is_the_last_look_and_says_so():
    job = make_running(*make_gang())
    job.summary = {"eval/accuracy": 0.91, "train/loss": 0.2}
    assert headline_figure.of([job])[job.pk].label == "Accuracy, validation"
    job.summary = {"train/loss": 0.2}
    assert headline_figure.of([job])[job.pk].label == "Loss, training"
    job.summary = {}
    assert headline_figure.of([job]) == {}


def test_list_page_and_order_of_the_list_agree(measured):
    client = client_of(measured.owner)
    for address in ("/jobs/", f"/jobs/{measured.pk}/"):
        text = client.get(address).content.decode()
        assert "87.5%" in text and "Accuracy, test" in text, address
    assert list(headline_figure.sorted_by(Job.objects.all(), "result").values_list("result", flat=True)) == [0.875]
