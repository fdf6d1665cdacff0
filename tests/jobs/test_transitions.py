"""A job's state changes only by a legal, conditional update, and leaves a transition each time."""

import os
from functools import partial

import pytest
from django.db import DatabaseError, connection, transaction

from jobs import transitions
from jobs.models import Attempt, Job, Transition
from jobs.states import Actor, JobState
from tests.jobs.factories import at_once, make_job

pytest_plugins = ["tests.postgres"]


def move(job: Job, to: JobState, actor: Actor = Actor.USER, **more) -> bool:
    with transaction.atomic():
        return transitions.move(job.pk, to, actor=actor, **more)


@pytest.mark.django_db
def test_a_legal_move_changes_the_state_and_writes_number_and_seq():
    job = make_job()
    assert move(job, JobState.CANCELLED, reason="user_cancelled", params={"why": "x"}, end_reason="user_cancelled")
    job.refresh_from_db()
    step = job.transitions.last()
    assert (job.state, job.end_reason, job.seq) == ("cancelled", "user_cancelled", 2)
    assert (step.number, step.seq, step.from_state, step.to_state) == (2, 2, "pending", "cancelled")
    assert step.params == {"why": "x"}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("to", "actor"),
    [(JobState.RUNNING, Actor.ATTEMPT), (JobState.CLAIMED, Actor.USER), (JobState.SUCCEEDED, Actor.ATTEMPT)],
)
def test_an_illegal_move_changes_nothing(to, actor):
    job = make_job()
    assert not move(job, to, actor)
    job.refresh_from_db()
    assert (job.state, job.seq, job.transitions.count()) == ("pending", 1, 1)


@pytest.mark.django_db
def test_a_success_has_no_way_out():
    job = make_job()
    Job.objects.filter(pk=job.pk).update(state=JobState.SUCCEEDED)
    assert not any(move(job, to, actor) for to in JobState for actor in Actor)


@pytest.mark.django_db
def test_an_attempt_that_has_ended_moves_nothing():
    job = make_job()
    attempt = Attempt.objects.create(job=job, number=1, world_size=1, ended_at="2026-01-01T00:00Z")
    Job.objects.filter(pk=job.pk).update(state=JobState.CLAIMED)
    assert not move(job, JobState.STARTING, Actor.ATTEMPT, attempt=attempt)


@pytest.mark.django_db
def test_a_move_that_is_rolled_back_leaves_no_transition():
    job = make_job()
    with pytest.raises(RuntimeError), transaction.atomic():
        transitions.move(job.pk, JobState.CANCELLED, actor=Actor.USER)
        raise RuntimeError
    job.refresh_from_db()
    assert (job.state, job.transitions.count()) == ("pending", 1)


@pytest.mark.parametrize("statement", ["UPDATE jobs_transition SET reason = 'x'", "DELETE FROM jobs_transition"])
def test_the_log_of_transitions_cannot_be_changed(each_database, statement):
    make_job()
    with pytest.raises(DatabaseError, match="append only"), connection.cursor() as cursor:
        cursor.execute(statement)
    assert Transition.objects.count() == 1


def test_of_two_who_end_a_job_at_once_exactly_one_wins(each_database):
    """Cancel against success: both are conditional updates of one row. CHAOS_ROUNDS=1000 for many more."""
    for _ in range(int(os.environ.get("CHAOS_ROUNDS", "10"))):
        job = make_job()
        Job.objects.filter(pk=job.pk).update(state=JobState.RUNNING)
        attempt = Attempt.objects.create(job=job, number=1, world_size=1)
        won = at_once(
            partial(move, job, JobState.SUCCEEDED, Actor.ATTEMPT),
            partial(move, job, JobState.CANCELLING, Actor.USER, attempt=attempt),
        )
        job.refresh_from_db()
        assert sum(won) == 1
        assert job.transitions.count() == 2
        assert (job.state == "succeeded") == (won == [True, False])
        assert (job.state == "cancelling") == (won == [False, True])
