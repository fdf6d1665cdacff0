"""What pages, REST and sockets show of devices and hosts."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Prefetch, QuerySet
from django.utils import timezone

from accounts.permissions import may
from devices import leases
from devices.models import Device, DeviceState, Host, Lease, Reading

SPANS = {"15m": timedelta(minutes=15), "24h": timedelta(hours=24), "30d": timedelta(days=30)}


def devices_of(actor: Any) -> QuerySet[Device]:
    """The devices that `actor` may see (all or none: they belong to the server), with host and live lease at hand."""
    if not may(actor, "see"):
        return Device.objects.none()
    return with_leases(Device.objects.filter(removed_at=None))


def hosts_of(actor: Any) -> QuerySet[Host]:
    if not may(actor, "see"):
        return Host.objects.none()
    return Host.objects.prefetch_related(Prefetch("devices", Device.objects.filter(removed_at=None)))


def with_leases(devices: QuerySet[Device]) -> QuerySet[Device]:
    """Each device gets its host and `live_leases`: a list of none or one."""
    live = Prefetch("leases", leases.live(), to_attr="live_leases")
    return devices.select_related("host", "drained_by").prefetch_related(live)


def online() -> QuerySet[Device]:
    """Devices that a job may be placed on now, as far as the device itself goes: heard of, and not draining."""
    return Device.objects.filter(state=DeviceState.ONLINE, removed_at=None)


def fleet(actor: Any) -> list[dict[str, Any]]:
    """All devices as rows for lists and the `fleet` topic."""
    return [device_row(device) for device in devices_of(actor).order_by("host__name", "kind", "index")]


def device_row(device: Device) -> dict[str, Any]:
    """One device in a list: `busy` and `holder` tell what runs there, by id (jobs knows which job that is)."""
    lease = _lease_of(device)
    return {
        "id": device.pk,
        "slug": device.slug,
        "name": device.name,
        "host": device.host.name,
        "kind": device.kind,
        "index": device.index,
        "label": device.label,
        "labels": device.labels,
        "state": device.state,
        "busy": lease is not None,
        "holder": {"attempt": lease.attempt_id, "errand": lease.errand_id} if lease else None,
        "drain": _drain_of(device),
        "memory_bytes": device.memory_bytes,
        "cores": device.cores,
        "speed": device.speed,
        "reading": device.reading,
        "last_seen_at": _iso(device.last_seen_at),
    }


def device_json(device: Device) -> dict[str, Any]:
    """One device in full, as REST answers it."""
    lease = _lease_of(device)
    return device_row(device) | {
        "environment": device.host.environment,
        "environment_at": _iso(device.host.environment_at),
        "agent_version": device.host.agent_version,
        "address": device.address,
        "interface": device.interface,
        "fence": device.fence,
        "lease_expires_at": _iso(lease.expires_at) if lease else None,
        "last_ring_at": _iso(device.last_ring_at),
        "created_at": _iso(device.created_at),
    }


def host_json(host: Host) -> dict[str, Any]:
    """One host, with the slugs of its devices."""
    return {
        "id": host.pk,
        "name": host.name,
        "platform": host.platform,
        "environment": host.environment,
        "environment_at": _iso(host.environment_at),
        "agent_version": host.agent_version,
        "devices": [device.slug for device in host.devices.all() if device.removed_at is None],
    }


def readings_of(device: Device, span: str = "15m") -> list[dict[str, Any]]:
    """Utilisation over 15 min, 24 h or 30 d, oldest first: `{"at", "values"}`. KeyError for another span."""
    since = timezone.now() - SPANS[span]
    rows = Reading.objects.filter(device=device, at__gte=since).order_by("at")
    return [{"at": _iso(row.at), "values": row.values} for row in rows]


def _lease_of(device: Device) -> Lease | None:
    prefetched = getattr(device, "live_leases", None)
    if prefetched is None:
        return leases.holder(device)
    return prefetched[0] if prefetched else None


def _drain_of(device: Device) -> dict[str, Any] | None:
    if not device.draining:
        return None
    return {"by": device.drained_by.username if device.drained_by else "", "reason": device.drain_reason}


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None
