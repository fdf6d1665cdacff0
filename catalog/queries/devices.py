"""Prepared data and devices: what lies where, what should, and which file a device may fetch."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from catalog import places
from catalog.models import PreparedData, PreparedState, Readiness
from devices.models import Device, DeviceState

data_of_device: list[Callable[[Device], Iterable[str]]] = []
"""Apps upstairs add a function: the hashes of prepared data that this device needs now, for what it was assigned."""


def readiness(prepared: PreparedData) -> list[dict[str, Any]]:
    """A row for every device: whether this data lies there. `status` is one of ready, preparing, failed,
    other_recipe, not_here, wanted, unknown; `text` says it in words.
    """
    own = {row.device_id: row for row in prepared.readiness.all()}
    siblings = Readiness.objects.filter(prepared__version=prepared.version_id).exclude(prepared=prepared)
    elsewhere = dict(siblings.exclude(hash="").values_list("device_id", "hash"))
    devices = Device.objects.filter(removed_at=None).exclude(state=DeviceState.JOINING).select_related("host")
    return [_row(prepared, device, own.get(device.pk), elsewhere.get(device.pk, "")) for device in devices]


def readiness_summary(prepared: PreparedData) -> dict[str, int]:
    """{"ready": on so many, "devices": of so many}; of one that is offline nothing is known."""
    devices = Device.objects.filter(removed_at=None).exclude(state=DeviceState.JOINING)
    there = prepared.readiness.exclude(hash="").filter(device__in=devices.exclude(state=DeviceState.OFFLINE))
    return {"ready": there.count(), "devices": devices.count()}


def wanted_by(device: Device) -> list[dict[str, Any]]:
    """Prepared data that a user wants on this device ahead of any job: each {hash, manifest}."""
    rows = Readiness.objects.filter(device=device, hash="", prepared__state=PreparedState.READY)
    rows = rows.exclude(wanted_at=None).select_related("prepared")
    return [{"hash": row.prepared.hash, "manifest": row.prepared.manifest} for row in rows]


def file_for(device: Device, sha256: str) -> Path | None:
    """The file with this hash, if it is part of prepared data that this device needs or is wanted on."""
    hashes = {content_hash for ask in data_of_device for content_hash in ask(device)}
    hashes |= {wanted["hash"] for wanted in wanted_by(device)}
    for prepared in PreparedData.objects.filter(hash__in=hashes, state=PreparedState.READY):
        for entry in prepared.manifest["files"]:
            if entry["sha256"] == sha256:
                return places.prepared_data(prepared.hash) / entry["name"]
    return None


def _row(prepared: PreparedData, device: Device, own: Readiness | None, other: str) -> dict[str, Any]:
    status, text = _status(prepared, device, own, other)
    here = status == "ready"
    return {
        "device": device.slug,
        "name": device.name,
        "host": device.host.name,
        "status": status,
        "text": text,
        "hash": own.hash if own and here else other if status == "other_recipe" else "",
        "samples": sum(split["count"] for split in prepared.manifest["splits"].values()) if here else None,
        "at": own.at.isoformat().replace("+00:00", "Z") if own and here else None,
    }


def _status(prepared: PreparedData, device: Device, own: Readiness | None, other: str) -> tuple[str, str]:
    if device.state == DeviceState.OFFLINE:
        since = device.last_seen_at.strftime("%H:%M") if device.last_seen_at else "—"
        return "unknown", _("Unknown since %(time)s UTC") % {"time": since}
    if own and own.hash and own.hash == prepared.hash:
        return "ready", _("Ready")
    if prepared.state == PreparedState.FAILED:
        return "failed", _("Could not be prepared")
    if prepared.state != PreparedState.READY:
        return "preparing", _("Preparing %(percent)s%%") % {"percent": int(100 * prepared.progress)}
    if own and own.wanted_at:
        return "wanted", _("On its way")
    if other:
        return "other_recipe", _("Different recipe")
    return "not_here", _("Not here")
