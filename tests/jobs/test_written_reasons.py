"""A round writes a bounded number of changed reasons, and none waits for ever to be told."""

import pytest

from jobs import clock, scheduling
from jobs.models import Job
from tests.jobs.factories import make_claimed, make_gang, make_job

pytestmark = pytest.mark.django_db


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(scheduling, "WRITE_AT_MOST", 3)


def unexplained() -> list[int]:
    return list(Job.objects.filter(state="pending", wait_reason="").values_list("pk", flat=True))


def test_the_reasons_of_many_jobs_come_over_several_rounds(few):
    make_claimed(*make_gang(2))
    for number in range(8):
        make_job(1 + number % 2)
    left = []
    for _ in range(3):
        scheduling.round(clock.now())
        left.append(len(unexplained()))
    assert left == [5, 2, 0]


def test_a_job_without_any_reason_is_told_first(few):
    make_claimed(*make_gang(2))
    waiting = [make_job(1 + number % 2).pk for number in range(6)]
    for _ in range(2):
        scheduling.round(clock.now())
    Job.objects.filter(pk__in=waiting).update(reason_params={"as it": "was"})
    make_job(1)
    scheduling.round(clock.now())
    assert unexplained() == []
    told = [job for job in Job.objects.filter(pk__in=waiting) if job.reason_params != {"as it": "was"}]
    assert len(told) == 2
