"""What people ask of tests of the fleet: begin one, stop it."""

from typing import Any

from django.db import transaction

from accounts import audit
from accounts import project as projects
from accounts.models import User
from accounts.permissions import require
from checks import subject
from checks.models import FleetTest, Kind, TestedDevice
from config import release
from contract.problems import Invalid, Problem, gettext_noop, unknown
from devices.models import Device
from jobs import clock, errands, gangs
from jobs.fleet import Fleet

ERRAND = {Kind.FIT: "fleet-test", Kind.SPEED: "fleet-speed"}
FIELDS = ("kind", "devices", "job", "artifact")
MOST = 16
"""every pair measures its link, one pair at a time"""


@transaction.atomic
def start(owner: User, body: dict[str, Any], *, via: str, address: str | None = None) -> FleetTest:
    """Ask the devices (slugs; all when none are named) as soon as they are free at once. Raises Invalid."""
    project = projects.current(owner)
    require(owner, "run", project)
    kind = body.get("kind", Kind.FIT)
    if kind not in Kind.values:
        raise Invalid([unknown("kind", str(kind), Kind.values)])
    devices = _devices(body.get("devices"))
    chosen = subject.chosen(owner, body.get("job"), body.get("artifact"), keeps_strategy=kind == Kind.SPEED)
    now = clock.now()
    fleet = Fleet.load(now)
    asked = [device for device in devices if fleet.is_online(fleet.devices[device.slug])]
    sent = gangs.create(ERRAND[Kind(kind)], owner, asked, chosen.payload(), now) if asked else []
    test = FleetTest.objects.create(
        project=project,
        owner=owner,
        kind=kind,
        job=chosen.job,
        dataset=chosen.dataset,
        artifact=chosen.artifact,
        **release.running()._asdict(),
    )
    by_device = {errand.device_id: errand for errand in sent}
    TestedDevice.objects.bulk_create(_tested(test, device, by_device.get(device.pk)) for device in devices)
    after = {"kind": kind, "devices": [device.slug for device in devices]}
    audit.record(owner, "tested", test, via=via, after=after, address=address)
    return test


@transaction.atomic
def cancel(test: FleetTest, actor: User, *, via: str, address: str | None = None) -> int:
    """Stop it; how many devices were still at it."""
    numbers = list(test.devices.exclude(errand=None).values_list("errand", flat=True))
    stopped = errands.cancel(test.owner, numbers, clock.now())
    if stopped:
        audit.record(actor, "cancelled", test, via=via, after={"devices": stopped}, address=address)
    return stopped


def _tested(test: FleetTest, device: Device, errand: Any) -> TestedDevice:
    away = "" if errand else ("draining" if device.draining else "offline")
    return TestedDevice(test=test, device=device, errand=errand, away=away, environment=device.host.environment)


def _devices(slugs: Any) -> list[Device]:
    known = {device.slug: device for device in Device.objects.filter(removed_at=None).select_related("host")}
    wanted = list(known) if slugs is None else slugs
    if not isinstance(wanted, list) or not wanted or len(wanted) > MOST:
        sentence = gettext_noop("Name from 1 to %(most)s devices.")
        raise Invalid([Problem("devices", sentence, {"most": MOST})])
    problems = [
        unknown(f"devices.{number}", str(slug), known) for number, slug in enumerate(wanted) if slug not in known
    ]
    if problems:
        raise Invalid(problems)
    return sorted((known[slug] for slug in set(wanted)), key=lambda device: device.pk)
