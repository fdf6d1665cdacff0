"""Hosts, devices, credentials and leases for tests."""

from datetime import timedelta

from django.utils import timezone

from accounts import secret_text
from contract.environment import identity
from devices.models import Credential, Device, DeviceKind, DeviceState, Host, Lease

ENVIRONMENT = {
    "os": "Debian GNU/Linux 12",
    "kernel": "6.1",
    "platform": "linux",
    "python": "3.11.9",
    "torch": "2.13.0+cpu",
    "tensorflow": "not installed",
    "cpu": "8 cores",
    "memory_bytes": 16 * 2**30,
    "disk_bytes": 100 * 2**30,
    "collective": "gloo",
    "executable": "/srv/fleetune/venv/bin/python",
}


def make_host(name: str = "lab-1", **facts) -> Host:
    environment = ENVIRONMENT | facts
    return Host.objects.create(
        name=name, platform="linux", environment=environment, environment_hash=identity(environment)
    )


def make_device(slug: str = "lab-1-cpu-0", host: Host | None = None, state: str = DeviceState.ONLINE, **more) -> Device:
    """An online CPU device that was heard of just now."""
    host = host or Host.objects.filter(name="lab-1").first() or make_host()
    more.setdefault("index", host.devices.count())
    more.setdefault("last_seen_at", timezone.now())
    more.setdefault("kind", DeviceKind.CPU)
    return Device.objects.create(host=host, slug=slug, name=more.pop("name", slug), state=state, **more)


def make_credential(device: Device, **more) -> str:
    """The text of a fresh credential of this device."""
    text = secret_text.fresh(secret_text.CREDENTIAL_PREFIX)
    Credential.objects.create(device=device, digest=secret_text.digest(text), **more)
    return text


def make_lease(device: Device, *, attempt_id: int | None = 1, seconds: float = 10, **more) -> Lease:
    """A live lease with the device's next fence."""
    device.fence += 1
    device.save(update_fields=["fence"])
    now = timezone.now()
    return Lease.objects.create(
        device=device,
        attempt_id=attempt_id,
        fence=device.fence,
        acquired_at=now,
        renewed_at=now,
        expires_at=now + timedelta(seconds=seconds),
        **more,
    )
