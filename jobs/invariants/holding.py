"""I1, single holder: a device has at most one live lease, an open attempt holds all its devices, fences rise."""

from collections.abc import Iterator
from itertools import groupby

from django.db.models import Count

from devices.models import Lease
from jobs.invariants.scope import Scope, Violation
from jobs.states import AttemptState

STOPPING = (AttemptState.DRAINING, AttemptState.CANCELLING)


def check(scope: Scope) -> Iterator[Violation]:
    yield from _one_live_lease()
    yield from _whole_gangs(scope)
    yield from _rising_fences()


def _one_live_lease() -> Iterator[Violation]:
    live = Lease.objects.filter(released_at=None).values("device").annotate(n=Count("id")).filter(n__gt=1)
    for row in live.order_by():
        yield Violation("I1", "a device has more than one live lease", {"device": row["device"], "leases": row["n"]})


def _whole_gangs(scope: Scope) -> Iterator[Violation]:
    live = dict(
        Lease.objects.filter(released_at=None, attempt_id__isnull=False)
        .values_list("attempt_id")
        .annotate(n=Count("id"))
        .order_by()
    )
    for attempt in scope.attempts().filter(ended_at=None).exclude(state__in=STOPPING):
        if live.get(attempt.pk, 0) != attempt.world_size:
            rows = {"attempt": attempt.pk, "wanted": attempt.world_size, "held": live.get(attempt.pk, 0)}
            yield Violation("I1", "an open attempt does not hold all its devices", rows)


def _rising_fences() -> Iterator[Violation]:
    """Device by device, in order of id, in bounded memory."""
    leases = Lease.objects.order_by("device_id", "id").values("id", "device_id", "fence", "acquired_at", "released_at")
    for device_id, of_device in groupby(leases.iterator(), key=lambda lease: lease["device_id"]):
        before = None
        for lease in of_device:
            if before and lease["fence"] <= before["fence"]:
                rows = {"device": device_id, "lease": lease["id"], "fence": lease["fence"]}
                yield Violation("I1", "a lease has no higher fence than the one before", rows)
            if before and before["released_at"] and lease["acquired_at"] < before["released_at"]:
                rows = {"device": device_id, "lease": lease["id"]}
                yield Violation("I1", "a lease began before the one before had ended", rows)
            before = lease
