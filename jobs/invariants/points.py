"""I4, points exactly once: no step twice, none missing, summaries and heads equal to what is stored."""

from collections.abc import Iterator

import numpy as np
from django.db.models import F, OuterRef, Q, Subquery

from jobs.invariants.scope import Scope, Violation
from jobs.metrics import chunks, heads
from jobs.metrics.read import Wanted, open_points
from jobs.models import Chunk, Frame, Job, Rank

FAR = 2**53
"""beyond any step"""


def check(scope: Scope) -> Iterator[Violation]:
    yield from _beyond_last_batch(scope)
    for job in scope.jobs().only("id").order_by("id").iterator():
        yield from _series(job)
        yield from _heads(job)


def _beyond_last_batch(scope: Scope) -> Iterator[Violation]:
    """No frame may come from a batch that was not counted as stored."""
    last = Rank.objects.filter(attempt=OuterRef("attempt"), rank=OuterRef("rank")).values("last_batch")[:1]
    beyond = Frame.objects.filter(job__in=scope.jobs()).annotate(last=Subquery(last)).filter(batch__gt=F("last"))
    for job, rank, batch in beyond.values_list("job", "rank", "batch"):
        yield Violation(
            "I4", "a frame's batch is beyond the last stored one", {"job": job, "rank": rank, "batch": batch}
        )


def _series(job: Job) -> Iterator[Violation]:
    opened = open_points(Wanted(job.pk))
    sealed = set(Chunk.objects.filter(job=job).values_list("rank", "key").distinct())
    cadences, spans = _cadences(job), _spans(job)
    for rank, key in sorted(sealed | opened.keys()):
        rows = {"job": job.pk, "rank": rank, "key": key}
        steps = [points.steps for points in opened.get((rank, key), [])]
        for chunk in Chunk.objects.filter(job=job, rank=rank, key=key).order_by("first_step").iterator():
            points = chunks.decode(bytes(chunk.data), chunk.count)
            steps.append(points.steps)
            if chunk.summary != chunks.summary(points):
                yield Violation("I4", "a chunk's summary is not that of its points", rows | {"chunk": chunk.pk})
        yield from _steps(np.sort(np.concatenate(steps)), cadences.get((rank, key), 0), spans.get(rank, []), rows)


def _steps(steps: np.ndarray, cadence: int, spans: list[range], rows: dict) -> Iterator[Violation]:
    """`spans`: the steps of the rank, in order. Those after its last point may still be on their way."""
    doubled = steps[1:][steps[1:] == steps[:-1]]
    if len(doubled):
        yield Violation("I4", "a step is stored twice", rows | {"steps": doubled[:5].tolist()})
        return
    if not cadence or not len(steps):
        return
    wanted = np.concatenate([_multiples(span, cadence, int(steps[-1])) for span in spans] or [steps[:0]])
    told = {"cadence": cadence}
    if len(missing := np.setdiff1d(wanted, steps)):
        yield Violation("I4", "a step is missing", rows | {"steps": missing[:5].tolist()} | told)
    if len(foreign := np.setdiff1d(steps, wanted)):
        yield Violation("I4", "a step is none of its attempts'", rows | {"steps": foreign[:5].tolist()} | told)


def _multiples(span: range, cadence: int, last: int) -> np.ndarray:
    """The multiples of `cadence` in `span`, up to `last`."""
    return cadence * np.arange(-(-span.start // cadence), (min(span.stop - 1, last)) // cadence + 1)


def _spans(job: Job) -> dict[int, list[range]]:
    """What each rank must have told: the steps of every attempt with it in, less those that a later one took back."""
    counting = Q(number=1) | Q(withdrawn_seq__gt=0)
    attempts = job.attempts.filter(counting).order_by("number").prefetch_related("ranks")
    begun = [(attempt.resumed_from_step or 0, attempt) for attempt in attempts]
    spans: dict[int, list[range]] = {}
    for place, (after, attempt) in enumerate(begun):
        until = min((later for later, _attempt in begun[place + 1 :]), default=FAR)
        for rank in attempt.ranks.all():
            if after < until:
                spans.setdefault(rank.rank, []).append(range(after + 1, until + 1))
    return spans


def _cadences(job: Job) -> dict[tuple[int, str], int]:
    """{(rank, key): steps between two points}, as the ranks of the last attempt that began declared them."""
    ranks = Rank.objects.filter(attempt__job=job).order_by("attempt__number").values_list("rank", "proofs")
    declared = {rank: proofs["started"]["cadences"] for rank, proofs in ranks if "started" in proofs}
    return {(rank, key): cadence for rank, keys in declared.items() for key, cadence in keys.items()}


def _heads(job: Job) -> Iterator[Violation]:
    right = heads.rebuilt(job.pk)
    for rank, keys in heads.stored(job.pk).items():
        if keys != right.pop(rank, {}):
            yield Violation("I4", "a head is not what a rebuild gives", {"job": job.pk, "rank": rank})
    for rank in right:
        yield Violation("I4", "a rank with points has no head", {"job": job.pk, "rank": rank})
