"""A job's pages speak of what its task is measured by, not of accuracy."""

import pytest
from django.utils import timezone

from jobs import report, task_metrics
from jobs.models import Job, Latest
from tests.jobs.factories import make_job, make_owner
from tests.jobs.test_pages import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def detection():
    """A job that has found objects, seen by its owner."""
    job = make_job(owner=make_owner())
    spec = job.spec | {"task": "object-detection", "model": {"source": "detector"}}
    summary = {"eval/map": 0.7312, "eval/map_50": 0.9, "eval/loss": 12.5, "train/loss": 11.0}
    now = timezone.now()
    Job.objects.filter(pk=job.pk).update(spec=spec, summary=summary, state="succeeded", started_at=now, ended_at=now)
    for key, value in summary.items():
        Latest.objects.create(job=job, key=key, value=value)
    job.refresh_from_db()
    return job, client_of(job.owner)


def test_the_page_of_a_detection_job_draws_and_names_map(detection):
    job, client = detection
    text = client.get(f"/jobs/{job.pk}/").content.decode()
    assert 'data-testid="chart-map"' in text and 'data-keys="eval/map eval/map_50"' in text
    assert "mAP, validation" in text and "73.1%" in text
    assert "chart-accuracy" not in text


def test_lists_show_and_sort_by_each_tasks_own_metric(detection):
    job, client = detection
    make_job(owner=job.owner)
    text = client.get("/jobs/?sort=-result").content.decode()
    assert '73.1%<span class="sub">mAP, validation</span>' in text
    assert text.index(f'data-key="job-{job.pk}"') < text.index(f'data-key="job-{job.pk + 1}"')


def test_the_report_has_no_chart_of_what_was_not_measured(detection):
    job, _client = detection
    assert "eval/map" in report.html(job) and "eval/accuracy" not in report.html(job)


def test_a_private_job_shows_the_privacy_that_it_spends_beside_its_loss():
    spec = {"task": "image-classification", "security": {"dp": {"epsilon": 3}}}
    keys = [[chart["keys"] for chart in task_metrics.charts(Job(spec=one))] for one in (spec, spec | {"security": {}})]
    assert keys[0] == [*keys[1], "privacy/epsilon"]
