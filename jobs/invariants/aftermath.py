"""I6, nothing outlives its right: after an attempt's end no lease, no half-sent file and no write of it is left."""

from collections.abc import Iterator

from django.conf import settings
from django.db.models import Exists, F, OuterRef

from devices.models import Lease
from jobs import file_store
from jobs.invariants.scope import Scope, Violation
from jobs.models import Artifact, Attempt, Errand, Job, Rank, Transition
from jobs.states import ENDED


def check(scope: Scope) -> Iterator[Violation]:
    yield from _leases(scope)
    yield from _half_sent(scope)
    yield from _late_writes(scope)
    yield from _spools(scope)


def _leases(scope: Scope) -> Iterator[Violation]:
    live = Lease.objects.filter(released_at=None)
    for holder, kind in ((Attempt, "attempt_id"), (Errand, "errand_id")):
        held = list(live.exclude(**{kind: None}).values_list(kind, flat=True))
        known = dict(holder.objects.filter(pk__in=held).values_list("pk", "ended_at"))
        for number in held:
            ended = known.get(number)
            if number not in known:
                yield Violation("I6", "a live lease names no holder", {kind: number})
            elif ended is not None and ended < scope.settled:
                yield Violation("I6", "a lease outlived its holder", {kind: number, "ended_at": ended})


def _half_sent(scope: Scope) -> Iterator[Violation]:
    ended = set(scope.attempts().filter(ended_at__lt=scope.settled).values_list("pk", flat=True))
    for kind in file_store.KINDS:
        for path in (settings.FLEETUNE_HOME / kind / "incoming").glob("*-*"):
            attempt = path.name.partition("-")[0]
            if attempt.isdigit() and int(attempt) in ended:
                yield Violation("I6", "an ended attempt left a half-sent file", {"attempt": attempt, "file": str(path)})


def _late_writes(scope: Scope) -> Iterator[Violation]:
    """Nothing of an attempt was verified, and nothing moved by it, after its end."""
    late = Artifact.objects.filter(job__in=scope.jobs(), verified_at__gt=F("attempt__ended_at"))
    for artifact in late:
        rows = {"job": artifact.job_id, "artifact": artifact.name, "attempt": artifact.attempt_id}
        yield Violation("I6", "an artifact came after its attempt's end", rows)
    over = [*ENDED, "pending"]
    same = {name: OuterRef(name) for name in ("job", "attempt")}
    its_end = Transition.objects.filter(**same, number__lt=OuterRef("number"), to_state__in=over)
    moved = Transition.objects.filter(Exists(its_end), job__in=scope.jobs(), actor="attempt")
    for step in moved.exclude(to_state__in=over):  # by their order: a clock may have been set back between them
        rows = {"job": step.job_id, "number": step.number, "attempt": step.attempt_id}
        yield Violation("I6", "an ended attempt moved its job", rows)


def _spools(scope: Scope) -> Iterator[Violation]:
    """The last attempt of an ended job has delivered every batch that its ranks said they wrote."""
    for job in scope.jobs().filter(state__in=ENDED, ended_at__lt=scope.settled).only("id").order_by("id"):
        yield from _spools_of(job)


def _spools_of(job: Job) -> Iterator[Violation]:
    last = job.attempts.order_by("-number").first()
    for rank in Rank.objects.filter(attempt=last, exit_report__isnull=False) if last else ():
        written = (rank.exit_report or {}).get("last_batch", 0)
        if rank.last_batch < written:
            rows = {"job": job.pk, "rank": rank.rank, "stored": rank.last_batch, "written": written}
            yield Violation("I6", "batches of the last attempt are missing", rows)
