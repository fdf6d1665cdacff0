"""Which devices a job asks for, as a value that can be compared: by number, by name, by label, by need."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from devices.models import Device

DISK_FREE = "system/disk_free_bytes"


@dataclass(frozen=True)
class Wish:
    """`ids` names devices; without names any `count` will do that carry all `labels` and are what is needed."""

    ids: tuple[str, ...] = ()
    count: int = 1
    fewest: int = 0
    """go on with so many when devices were lost; 0 = never with fewer than asked for"""
    labels: tuple[str, ...] = ()
    kind: str = ""
    """cpu or cuda; "" = either"""
    memory_bytes: int = 0
    """the device must be known to have this much"""
    disk_bytes: int = 0
    """a device that is known to have less than this free on its disk is passed over"""

    @classmethod
    def of(cls, devices: dict[str, Any], schedule: dict[str, Any]) -> "Wish":
        """From these two parts of a stored spec; one from before a field came asks for nothing by it."""
        return cls(
            ids=tuple(devices["ids"]),
            count=len(devices["ids"]) or devices["count"],
            fewest=schedule.get("min_devices", 0),
            labels=tuple(sorted(devices.get("labels", ()))),
            kind=devices.get("kind", ""),
            memory_bytes=devices.get("min_memory_bytes", 0),
        )

    @property
    def is_particular(self) -> bool:
        return bool(self.labels or self.kind or self.memory_bytes or self.disk_bytes)

    def fitting(self, devices: Iterable[Device]) -> list[Device]:
        """Those that have what is asked for, whatever runs on them."""
        return [device for device in devices if self._fits(device)] if self.is_particular else list(devices)

    def has_room(self, device: Device) -> bool:
        """Unless its last reading says that its disk is too full."""
        return device.reading.get(DISK_FREE, self.disk_bytes) >= self.disk_bytes

    def _fits(self, device: Device) -> bool:
        return (
            self.kind in ("", device.kind)
            and device.memory_bytes >= self.memory_bytes
            and set(self.labels) <= set(device.labels)
            and self.has_room(device)
        )

    def needs(self) -> dict[str, Any]:
        """What was asked for beside the number, for the sentence of a wait."""
        needs = {"labels": list(self.labels), "kind": self.kind, "memory_bytes": self.memory_bytes}
        return {name: value for name, value in needs.items() if value}
