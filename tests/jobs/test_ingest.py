"""Batches on their way in: once, in order, with their numbers, and told to readers after the commit."""

import io
import math

import pytest
from django.core.management import call_command

from contract.events import Event, LogLine
from jobs import ingest, live, withdrawal
from jobs.metrics import read
from jobs.models import Frame, Head, Job, Latest, LogRow, Rank
from tests.jobs.store_factories import START_TIME, a_batch, a_frame, a_stored_job, an_attempt, losses

pytestmark = pytest.mark.django_db


@pytest.fixture
def job():
    return a_stored_job()


def steps_of(job, rank=0, key="train/loss"):
    return read.whole(job.pk, rank, key).steps.tolist()


def test_batches_are_stored_in_order_and_the_last_number_is_answered(job):
    (rank,) = an_attempt(job)
    assert ingest.store(rank, [a_batch(1, losses(1, 2)), a_batch(2, losses(3, 4))]) == 2
    assert ingest.store(rank, [a_batch(2, losses(3, 4)), a_batch(3, losses(5, 5))]) == 3
    assert steps_of(job) == [1, 2, 3, 4, 5]
    assert Rank.objects.get(pk=rank.pk).last_batch == 3


def test_nothing_is_stored_past_a_gap(job):
    (rank,) = an_attempt(job)
    assert ingest.store(rank, [a_batch(1, losses(1, 1)), a_batch(3, losses(3, 3)), a_batch(4, losses(4, 4))]) == 1
    assert steps_of(job) == [1]


def test_points_and_log_take_a_number_each(job):
    (rank,) = an_attempt(job)
    line = LogLine(START_TIME, "info", "hello")
    ingest.store(rank, [a_batch(1, losses(1, 3), log=[line]), a_batch(2, losses(4, 4)), a_batch(3)])
    assert Job.objects.get(pk=job.pk).seq == 3
    assert list(Frame.objects.filter(job=job).values_list("seq", flat=True)) == [1, 3]
    assert LogRow.objects.get(job=job).seq == 2


def test_a_restarted_sender_that_repeats_points_under_a_new_number_doubles_nothing(job):
    (rank,) = an_attempt(job)
    ingest.store(rank, [a_batch(1, losses(1, 10)), a_batch(2, losses(6, 15))])
    assert steps_of(job) == list(range(1, 16))
    assert Head.objects.get(job=job).repeated == 5


def test_a_late_point_is_kept_and_counted(job):
    (rank,) = an_attempt(job)
    ingest.store(rank, [a_batch(1, losses(5, 6)), a_batch(2, losses(1, 1))])
    assert steps_of(job) == [1, 5, 6]
    assert Head.objects.get(job=job).late == 1
    assert Head.objects.get(job=job).keys["train/loss"]["step"] == 6


def test_the_summary_is_the_first_ranks_and_lists_sort_by_it(job):
    first, second = an_attempt(job, ranks=2)
    ingest.store(first, [a_batch(1, a_frame([1], train__loss=[0.5]))])
    ingest.store(second, [a_batch(1, a_frame([1], train__loss=[0.7], system__cpu_percent=[40.0]))])
    ingest.store(second, [a_batch(2, a_frame([2], train__loss=[0.6], system__cpu_percent=[50.0]))])
    job.refresh_from_db()
    assert job.summary == {"train/loss": 0.5, "system/cpu_percent": 50.0}
    assert dict(Latest.objects.filter(job=job).values_list("key", "value")) == job.summary
    assert job.step == 2


def test_not_a_number_is_a_value_and_has_no_place_in_an_order(job):
    (rank,) = an_attempt(job)
    ingest.store(rank, [a_batch(1, a_frame([1], train__loss=[0.5])), a_batch(2, a_frame([2], train__loss=[math.nan]))])
    job.refresh_from_db()
    assert job.summary == {"train/loss": "nan"}
    assert not Latest.objects.filter(job=job).exists()
    assert math.isnan(read.whole(job.pk, 0, "train/loss").values[-1])


def test_a_long_line_is_cut_with_a_note(job):
    """S35"""
    (rank,) = an_attempt(job)
    ingest.store(rank, [a_batch(1, log=[LogLine(START_TIME, "info", "x" * 50_000)])])
    text = LogRow.objects.get(job=job).lines[0][2]
    assert len(text) < 17_000
    assert text.endswith("(cut)")


def test_points_of_a_new_attempt_wait_for_the_withdrawal(job):
    (old,) = an_attempt(job)
    ingest.store(old, [a_batch(1, losses(1, 20))])
    (new,) = an_attempt(job, number=2)
    ingest.store(new, [a_batch(1, a_frame([11], train__loss=[-1.0]))])
    assert read.whole(job.pk, 0, "train/loss").values[10] == 1 / 11
    withdrawal.withdraw(job, 10, new.attempt)
    assert steps_of(job) == list(range(1, 12))
    assert read.whole(job.pk, 0, "train/loss").values[10] == -1.0
    job.refresh_from_db()
    assert job.step == 11
    assert job.summary == {"train/loss": -1.0}


def test_an_ended_attempt_may_deliver_until_the_next_one_runs(job):
    """R5"""
    (old,) = an_attempt(job)
    ingest.store(old, [a_batch(1, losses(1, 5))])
    (new,) = an_attempt(job, number=2)
    assert ingest.store(old, [a_batch(2, losses(6, 8))]) == 2
    withdrawal.withdraw(job, 6, new.attempt)
    with pytest.raises(ingest.Superseded):
        ingest.store(old, [a_batch(3, losses(9, 9))])
    assert steps_of(job) == [1, 2, 3, 4, 5, 6]


def test_readers_hear_after_the_commit(job, monkeypatch, django_capture_on_commit_callbacks):
    told = []
    monkeypatch.setattr(live, "publish_frames", lambda number, frames: told.append((number, frames)))
    (rank,) = an_attempt(job)
    with django_capture_on_commit_callbacks(execute=True):
        ingest.store(rank, [a_batch(1, a_frame([1, 2], train__loss=[0.5, math.inf]))])
        assert not told
    ((number, (frame,)),) = told
    assert number == job.pk
    assert (frame["type"], frame["first_seq"], frame["seq"]) == ("points", 1, 1)
    (series,) = frame["series"]
    assert (series["steps"], series["values"], series["not_finite"]) == ([1, 2], [0.5, None], [[2, "inf"]])


def test_a_batch_that_cannot_be_stored_leaves_nothing(job, monkeypatch):
    (rank,) = an_attempt(job)
    monkeypatch.setattr(LogRow.objects, "create", lambda **_fields: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        ingest.store(rank, [a_batch(1, losses(1, 5), log=[LogLine(START_TIME, "info", "x")])])
    assert steps_of(job) == []
    assert Rank.objects.get(pk=rank.pk).last_batch == 0
    assert Job.objects.get(pk=job.pk).seq == 0


def test_heads_that_were_lost_are_rebuilt(job):
    (rank,) = an_attempt(job)
    ingest.store(rank, [a_batch(1, losses(1, 10)), a_batch(2, a_frame([10], eval__loss=[0.25]))])
    before = Head.objects.get(job=job).keys
    Head.objects.filter(job=job).update(keys={})
    Latest.objects.all().delete()
    call_command("rebuild_heads", str(job.pk), stdout=io.StringIO())
    assert Head.objects.get(job=job).keys == before
    assert dict(Latest.objects.filter(job=job).values_list("key", "value")) == {"train/loss": 0.1, "eval/loss": 0.25}


def test_a_sender_that_catches_up_is_answered_before_it_loses_patience_and_goes_on_from_there(job, monkeypatch):
    """A long backlog took more than the 10 s that a device waits: it asked again, and all began anew."""
    (rank,) = an_attempt(job)
    backlog = [a_batch(number, losses(number, number)) for number in range(1, 3 * ingest.AT_ONCE)]
    monkeypatch.setattr(ingest, "ANSWER_WITHIN_S", 0)
    assert ingest.store(rank, backlog) == ingest.AT_ONCE
    assert ingest.store(rank, backlog) == 2 * ingest.AT_ONCE
    assert ingest.store(rank, backlog) == len(backlog)
    assert steps_of(job) == list(range(1, len(backlog) + 1))


def test_a_backlog_costs_few_statements_and_every_batch_keeps_its_numbers(job, django_assert_max_num_queries):
    (rank,) = an_attempt(job)
    line = LogLine(START_TIME, "info", "hello")
    with django_assert_max_num_queries(ingest.AT_ONCE + 15):
        ingest.store(rank, [a_batch(number, losses(number, number)) for number in range(1, ingest.AT_ONCE + 1)])
    ingest.store(rank, [a_batch(ingest.AT_ONCE + 1, losses(41, 41), log=[line]), a_batch(ingest.AT_ONCE + 2)])
    rows = list(Frame.objects.filter(job=job).values_list("batch", "seq", "first_step"))
    assert rows == [(number, number, number) for number in range(1, ingest.AT_ONCE + 2)]
    assert LogRow.objects.get(job=job).seq == ingest.AT_ONCE + 2
    assert Rank.objects.get(pk=rank.pk).last_batch == ingest.AT_ONCE + 2


def test_of_a_backlog_with_an_impossible_batch_all_before_it_is_stored(job):
    (rank,) = an_attempt(job)
    wrong = a_batch(3, events=[Event("stage", 3, {})])
    batches = [a_batch(1, losses(1, 1)), a_batch(2, losses(2, 2)), wrong, a_batch(4, losses(4, 4))]
    with pytest.raises(ValueError, match="stage"):
        ingest.store(rank, batches)
    assert steps_of(job) == [1, 2]
    assert Rank.objects.get(pk=rank.pk).last_batch == 2
