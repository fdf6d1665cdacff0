"""The devices as one scheduling round sees them: which are free, what holds the others, who can train together."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from contract.timing import OFFLINE_S
from devices import environment, leases
from devices.models import Device, DeviceState
from jobs.models import Attempt, Errand
from jobs.states import JobState
from jobs.wishes import Wish

LEAVING = (JobState.DRAINING, JobState.CANCELLING)


@dataclass
class Fleet:
    """Read once a round with four statements; changed in memory as the round gives devices away."""

    devices: dict[str, Device]
    """every registered device by its slug"""
    now: datetime
    holders: dict[int, dict[str, Any]] = field(default_factory=dict)
    """device id → what holds it: {"job"}, {"job", "stopping"}, {"errand"} or {"held_for"}"""
    waits: dict[Wish, Any] = field(default_factory=dict)
    """what jobs of one wish were told to wait for in this round"""
    _groups: list[list[Device]] | None = None

    @classmethod
    def load(cls, now: datetime) -> "Fleet":
        registered = Device.objects.filter(removed_at=None).select_related("host", "drained_by").order_by("id")
        return cls({device.slug: device for device in registered}, now, _holders())

    @property
    def online(self) -> list[Device]:
        return [device for device in self.devices.values() if self.is_online(device)]

    def is_online(self, device: Device) -> bool:
        """Takes jobs, and its agent was heard of: one that fell silent just now is not given another job."""
        heard = device.last_seen_at is not None and self.now - device.last_seen_at <= timedelta(seconds=OFFLINE_S)
        return device.state == DeviceState.ONLINE and not device.draining and heard

    @property
    def groups(self) -> list[list[Device]]:
        """Online devices, parted into those that can train together."""
        if self._groups is None:
            self._groups = compatible_groups(self.online)
        return self._groups

    def free(self, devices: Iterable[Device]) -> list[Device]:
        return [device for device in devices if device.pk not in self.holders]

    def give(self, devices: Iterable[Device], job_id: int) -> None:
        """These are no longer free in this round."""
        self.take({device.pk: {"job": job_id} for device in devices})

    def hold(self, devices: Iterable[Device], job_id: int) -> None:
        """Keep these for a job that has waited too long: no later one gets them in this round."""
        self.take({device.pk: {"held_for": job_id} for device in devices if device.pk not in self.holders})

    def take(self, holders: dict[int, dict[str, Any]]) -> None:
        """Note new holders."""
        self.holders |= holders


def compatible_groups(devices: Sequence[Device]) -> list[list[Device]]:
    """Parts of `devices` within which any can train together (same platform, same torch and Python).

    Devices of one host share its environment, so hosts are compared, not devices.
    """
    groups: list[list[Device]] = []
    of_host: dict[int, list[Device]] = {}
    for device in devices:
        if device.host_id not in of_host:
            fits = (group for group in groups if not environment.differences([group[0], device]))
            home = next(fits, None)
            if home is None:
                groups.append(home := [])
            of_host[device.host_id] = home
        of_host[device.host_id].append(device)
    return groups


def best_free(free: Sequence[Device], count: int, avoided: set[int]) -> list[Device]:
    """`count` of the free devices: rather not those the job avoids, rather all on one host."""
    trusted = [device for device in free if device.pk not in avoided]
    by_host: dict[int, list[Device]] = {}
    for device in trusted:
        by_host.setdefault(device.host_id, []).append(device)
    together = next((found for found in by_host.values() if len(found) >= count), None)
    return (together or [*trusted, *(device for device in free if device.pk in avoided)])[:count]


def _holders() -> dict[int, dict[str, Any]]:
    live = list(leases.live().values_list("device_id", "attempt_id", "errand_id"))
    held_by = Attempt.objects.filter(pk__in={attempt_id for _, attempt_id, _ in live if attempt_id})
    attempts = {pk: rest for pk, *rest in held_by.values_list("pk", "job_id", "ended_at", "job__state")}
    errands = dict(Errand.objects.filter(pk__in={errand for _, _, errand in live if errand}).values_list("pk", "kind"))
    return {
        device_id: _holder(attempts.get(attempt_id or 0), errands.get(errand_id or 0, ""))
        for device_id, attempt_id, errand_id in live
    }


def _holder(attempt: list[Any] | None, errand: str) -> dict[str, Any]:
    """`attempt`: its job, its end, its job's state. What is on its way out leaves the device soon."""
    if attempt is None:
        return {"errand": errand}
    job_id, ended_at, state = attempt
    return {"job": job_id} | ({"stopping": True} if ended_at or state in LEAVING else {})
