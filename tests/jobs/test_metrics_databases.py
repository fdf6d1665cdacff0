"""The store on both databases, with senders that really come at once."""

import threading

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings

from jobs import ingest, withdrawal
from jobs.metrics import read
from jobs.models import Attempt, Frame, Job, Rank
from tests.jobs.store_factories import a_batch, a_frame, a_stored_job, an_attempt, losses
from tests.jobs.test_metrics_store import ACTIONS, heads_equal_a_rebuild, small_chunks, store_equals_dictionary
from tests.postgres import each_database, fresh_postgresql, fresh_sqlite, postgresql

__all__ = ["each_database", "fresh_postgresql", "fresh_sqlite", "postgresql", "small_chunks"]
BATCHES = 12
FEW = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def at_once(*actions):
    """Run each action in a thread of its own with a connection of its own; raise what any of them raised."""
    errors, start = [], threading.Barrier(len(actions))

    def run(action):
        try:
            start.wait(10)
            action()
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not errors, errors


def test_ranks_that_report_at_once_lose_nothing_and_share_one_count(each_database, small_chunks):
    job = a_stored_job()
    ranks = an_attempt(job, ranks=3)

    def send(rank):
        for number in range(1, BATCHES + 1):
            ingest.store(rank, [a_batch(number, losses(number * 5 - 4, number * 5))])

    at_once(*(lambda rank=rank: send(rank) for rank in ranks))
    for rank in range(3):
        assert read.whole(job.pk, rank, "train/loss").steps.tolist() == list(range(1, BATCHES * 5 + 1))
    assert Job.objects.get(pk=job.pk).seq == 3 * BATCHES
    heads_equal_a_rebuild(job)


def test_one_batch_that_comes_twice_at_once_is_stored_once(each_database):
    job = a_stored_job()
    (rank,) = an_attempt(job)
    copies = [Rank.objects.get(pk=rank.pk) for _ in range(4)]
    at_once(*(lambda copy=copy: ingest.store(copy, [a_batch(1, losses(1, 3))]) for copy in copies))
    assert Frame.objects.filter(job=job).count() == 1
    assert Job.objects.get(pk=job.pk).seq == 1
    assert Rank.objects.get(pk=rank.pk).last_batch == 1


def test_a_withdrawal_while_the_new_attempt_reports(each_database, small_chunks):
    job = a_stored_job()
    (old,) = an_attempt(job)
    for number in range(1, 11):
        ingest.store(old, [a_batch(number, losses(number * 5 - 4, number * 5))])
    (new,) = an_attempt(job, number=2)

    def report():
        for number in range(1, 9):
            points = a_frame([30 + number], train__loss=[-1.0])
            ingest.store(Rank.objects.select_related("attempt").get(pk=new.pk), [a_batch(number, points)])

    def resume():
        with transaction.atomic():
            withdrawal.withdraw(job, 30, Attempt.objects.get(pk=new.attempt_id))

    at_once(report, resume)
    points = read.whole(job.pk, 0, "train/loss")
    assert points.steps.tolist() == list(range(1, 39))
    assert points.values[30:].tolist() == [-1.0] * 8
    heads_equal_a_rebuild(job)


@FEW
@given(ACTIONS)
@pytest.mark.postgres
def test_the_store_on_postgresql_holds_what_a_plain_dictionary_would(postgresql, small_chunks, actions):
    store_equals_dictionary(actions)
