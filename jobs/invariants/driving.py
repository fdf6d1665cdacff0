"""I2, no job lost: each is ended, waits with a reason, or is driven by exactly one open attempt with a deadline."""

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Count, Q

from jobs.invariants.scope import Scope, Violation
from jobs.models import Scheduler
from jobs.states import DRIVEN, ENDED, JobState

NEW_S = 10
ROUND_S = 10
LATE_S = 5


def check(scope: Scope) -> Iterator[Violation]:
    open_attempts = Count("attempts", filter=Q(attempts__ended_at=None))
    jobs = scope.jobs().annotate(open_attempts=open_attempts).order_by("id")
    yield from _waiting(scope, jobs.filter(state=JobState.PENDING))
    yield from _rounds(scope)
    yield from _driven(scope, jobs.filter(state__in=DRIVEN))
    yield from _ended(jobs.filter(state__in=ENDED))


def _waiting(scope: Scope, jobs) -> Iterator[Violation]:
    old = scope.now - timedelta(seconds=NEW_S)
    for job in jobs.filter(Q(wait_reason="", created_at__lt=old) | Q(open_attempts__gt=0)):
        sentence = "a waiting job has an open attempt" if job.open_attempts else "a waiting job has no reason"
        yield Violation("I2", sentence, {"job": job.pk})


def _rounds(scope: Scope) -> Iterator[Violation]:
    late = scope.now - timedelta(seconds=ROUND_S)
    for row in Scheduler.objects.filter(last_full_round_at__lt=late):
        yield Violation("I2", "no scheduling round for 10 s", {"last_full_round_at": row.last_full_round_at})


def _driven(scope: Scope, jobs) -> Iterator[Violation]:
    late = scope.now - timedelta(seconds=LATE_S)
    for job in jobs.exclude(open_attempts=1):
        rows = {"job": job.pk, "state": job.state, "open_attempts": job.open_attempts}
        yield Violation("I2", "a driven job does not have exactly one open attempt", rows)
    for job in jobs.filter(Q(deadline_at=None) | Q(deadline_at__lt=late)):
        rows = {"job": job.pk, "state": job.state, "deadline_at": job.deadline_at}
        yield Violation("I2", "a driven job has no deadline, or is past it", rows)


def _ended(jobs) -> Iterator[Violation]:
    for job in jobs.filter(Q(open_attempts__gt=0) | (Q(end_reason="") & ~Q(state=JobState.SUCCEEDED))):
        sentence = "an ended job has an open attempt" if job.open_attempts else "an ended job has no reason"
        yield Violation("I2", sentence, {"job": job.pk, "state": job.state})
