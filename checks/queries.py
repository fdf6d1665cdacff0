"""What REST and pages read of tests of the fleet."""

from typing import Any

from django.db.models import QuerySet

from accounts.permissions import visible
from checks import speed, table
from checks.models import FleetTest, Kind
from checks.seen import CANCELLED, Seen, seen
from jobs.queries import iso

OPEN, PASSED, BAD, STOPPED, PARTLY = "running", "passed", "failed", "cancelled", "incomplete"
UNCLEAR = "unclear"
OF_SPEED = {speed.HELPED: PASSED, speed.SLOWER: BAD, speed.NO_DIFFERENCE: UNCLEAR, speed.NOT_MEASURED: PARTLY}


def tests_of(actor: Any) -> QuerySet[FleetTest]:
    """Those that `actor` may see, newest first."""
    rows = FleetTest.objects.select_related("owner", "job", "project").prefetch_related("devices__device")
    return visible(actor, rows).order_by("-id")


def outcome(test: FleetTest, devices: list[Seen]) -> str:
    """running, cancelled, passed, failed, incomplete when nothing is wrong and something is not known; of a speed test
    unclear when it showed no difference."""
    if any(one.is_open for one in devices):
        return OPEN
    if any(one.state == CANCELLED for one in devices):
        return STOPPED
    if test.kind == Kind.SPEED:
        return OF_SPEED[speed.compared(devices).verdict]
    verdicts = [row.ok for row in table.rows(devices)]
    return BAD if False in verdicts else (PARTLY if None in verdicts else PASSED)


def test_row(test: FleetTest, devices: list[Seen] | None = None) -> dict[str, Any]:
    """A test as one line of the history."""
    devices = seen(test) if devices is None else devices
    ended = [row.errand.ended_at for row in test.devices.all() if row.errand and row.errand.ended_at]
    return {
        "id": test.pk,
        "url": f"/fleet/tests/{test.pk}/",
        "kind": test.kind,
        "state": outcome(test, devices),
        "owner": test.owner.username,
        "project": test.project.slug,
        "devices": [one.slug for one in devices],
        "job": test.job_id,
        "dataset": test.dataset,
        "artifact": test.artifact,
        "version": test.version,
        "commit": test.commit,
        "created_at": iso(test.created_at),
        "ended_at": iso(max(ended)) if ended and not any(one.is_open for one in devices) else None,
    }


def test_json(test: FleetTest) -> dict[str, Any]:
    """All of it: `/api/v1/fleet-tests/{id}/`. `links`: every measured pair; `speed`: of a speed test."""
    devices = seen(test)
    fits = test.kind == Kind.FIT
    return test_row(test, devices) | {
        "rows": [row.to_json() for row in table.rows(devices)] if fits else [],
        "links": links(devices),
        "speed": None if fits else speed.compared(devices).to_json(),
    }


def links(devices: list[Seen]) -> list[dict[str, Any]]:
    """Each ordered pair: from, to, latency_seconds, bytes_per_second, clock_offset_seconds, or its error."""
    names = {str(one.rank): one.slug for one in devices if one.answer}
    found = []
    for one in devices:
        measured = one.answer.get("checks", {}).get("links", {}).get("to", {})
        found += [{"from": one.slug, "to": names.get(rank, rank)} | link for rank, link in measured.items()]
    return found
