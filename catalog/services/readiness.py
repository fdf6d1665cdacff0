"""What lies on which device, as devices say."""

from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone

from catalog.models import PreparedData, Readiness
from catalog.services.preparing import ready_with
from devices.models import Device


def note_readiness(device: Device, hashes: Iterable[str]) -> None:
    """A heartbeat said which prepared data lies on `device`, verified. Writes only when that changed."""
    said = {text for text in hashes if isinstance(text, str)}
    known = dict(Readiness.objects.filter(device=device).exclude(hash="").values_list("prepared_id", "hash"))
    come = list(ready_with(said).exclude(pk__in=known)) if said else []
    gone = [prepared_id for prepared_id, content_hash in known.items() if content_hash not in said]
    if not come and not gone:
        return
    with transaction.atomic():
        now = timezone.now()
        for prepared in come:
            values = {"hash": prepared.hash, "at": now}
            Readiness.objects.update_or_create(device=device, prepared=prepared, defaults=values)
        rows = Readiness.objects.filter(device=device, prepared__in=gone)
        rows.filter(wanted_at=None).delete()
        rows.update(hash="", at=now)


def want_on(prepared: PreparedData, device: Device) -> None:
    """Somebody wants this data on `device` ahead of any job: its agent is told with its assignments."""
    now = timezone.now()
    Readiness.objects.update_or_create(
        device=device, prepared=prepared, defaults={"wanted_at": now}, create_defaults={"wanted_at": now, "at": now}
    )
