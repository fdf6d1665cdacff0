"""I3, lawful history: a job's state is the fold of its append-only log, every step is legal, success happens once."""

from collections.abc import Iterator

from jobs.invariants.scope import Scope, Violation
from jobs.models import Attempt, Job, Transition
from jobs.states import LEGAL, JobState


def check(scope: Scope) -> Iterator[Violation]:
    for job in scope.jobs().only("state", "seq").order_by("id").iterator():
        yield from _log(job, list(job.transitions.order_by("number", "id")))
        yield from _attempts(job, list(job.attempts.order_by("number")))


def _log(job: Job, steps: list[Transition]) -> Iterator[Violation]:
    state, succeeded, seq = "", False, 0
    for number, step in enumerate(steps, start=1):
        rows = {"job": job.pk, "number": step.number, "from": step.from_state, "to": step.to_state, "actor": step.actor}
        if step.number != number:
            yield Violation("I3", "the numbers of a job's transitions have a gap", rows)
        if step.from_state != state:
            yield Violation("I3", "a transition does not begin where the one before ended", rows)
        if step.actor not in LEGAL.get((step.from_state, step.to_state), ()):
            yield Violation("I3", "a transition is not legal", rows)
        if succeeded:
            yield Violation("I3", "a transition follows a success", rows)
        if not seq < step.seq <= job.seq:
            yield Violation("I3", "a transition's seq is not in order", rows | {"seq": step.seq})
        state, succeeded, seq = step.to_state, step.to_state == JobState.SUCCEEDED, step.seq
    if state != job.state:
        yield Violation("I3", "a job's state is not that of its log", {"job": job.pk, "state": job.state, "log": state})


def _attempts(job: Job, attempts: list[Attempt]) -> Iterator[Violation]:
    for number, attempt in enumerate(attempts, start=1):
        rows = {"job": job.pk, "attempt": attempt.pk, "number": attempt.number, "state": attempt.state}
        if attempt.number != number:
            yield Violation("I3", "the numbers of a job's attempts have a gap", rows)
        ended = attempt.state in ("succeeded", "failed", "cancelled")
        if ended != (attempt.ended_at is not None):
            yield Violation("I3", "an attempt's state and end do not fit", rows)
        if attempt.ended_at and not attempt.end_reason and attempt.state != "succeeded":
            yield Violation("I3", "an ended attempt has no reason", rows)
