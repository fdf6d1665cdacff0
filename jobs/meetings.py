"""Where errands of one gang meet, and who waits there for whom."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from contract.agent_calls import LeaseRequest
from devices import doorbell
from jobs.models import Errand, ErrandState


def rendezvous_of(errand: Errand, said: LeaseRequest) -> dict[str, Any] | None:
    """Its own port for an errand that works alone; for one of a gang the port of rank 0, once all have come."""
    if errand.gang is None:
        return _address(errand, said) if said.port else None
    if errand.rank == 0 and errand.rendezvous is None and said.port and not _missing(errand).exists():
        errand.rendezvous = _address(errand, said)
        Errand.objects.filter(pk=errand.pk).update(rendezvous=errand.rendezvous)
        others = _gang_of(errand).exclude(pk=errand.pk).values_list("device_id", flat=True)
        payload = {"v": 1, "errand": errand.pk}
        transaction.on_commit(partial(doorbell.ring, list(others), payload), robust=True)
    return errand.rendezvous if errand.rank == 0 else _gang_of(errand).get(rank=0).rendezvous


def left_waiting(errand_id: int) -> Iterator[tuple[Errand, str]]:
    """Running errands that have not been told yet where to meet the one that just ended, each with its device."""
    gone = Errand.objects.select_related("device").get(pk=errand_id)
    if gone.gang is None:
        return
    running = list(_gang_of(gone).filter(state=ErrandState.RUNNING).order_by("rank"))
    if not _gang_of(gone).exclude(rendezvous=None).exists():
        yield from ((errand, gone.device.slug) for errand in running)


def _gang_of(errand: Errand) -> QuerySet[Errand]:
    """Those that were claimed together."""
    return Errand.objects.filter(gang=errand.gang).exclude(fence=0)


def _missing(errand: Errand) -> QuerySet[Errand]:
    return _gang_of(errand).filter(acknowledged=False)


def _address(errand: Errand, said: LeaseRequest) -> dict[str, Any]:
    host = said.address or errand.device.address or "127.0.0.1"
    return {"host": host, "port": said.port, "id": f"errand-{errand.pk}"}
