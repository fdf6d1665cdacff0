"""What is known of each device of a test, read once, as the verdicts take it."""

from dataclasses import dataclass, field
from typing import Any

from checks.models import FleetTest, TestedDevice
from jobs.models import ErrandState

WAITING, RUNNING, ANSWERED, FAILED, CANCELLED, AWAY = "waiting", "running", "answered", "failed", "cancelled", "away"
STATES = {ErrandState.PENDING: WAITING, ErrandState.RUNNING: RUNNING, ErrandState.CANCELLED: CANCELLED}


@dataclass(frozen=True)
class Seen:
    """One device. `state`: waiting, running, answered, failed, cancelled or away."""

    slug: str
    state: str
    rank: int = 0
    stage: str = ""
    away: str = ""
    answer: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        return self.state in (WAITING, RUNNING)


def seen(test: FleetTest) -> list[Seen]:
    """Its devices in order."""
    return [_seen(row) for row in test.devices.select_related("device", "errand")]


def _seen(row: TestedDevice) -> Seen:
    errand = row.errand
    if errand is None:
        return Seen(row.device.slug, AWAY, away=row.away, environment=row.environment)
    answered = errand.state == ErrandState.DONE and bool(errand.answer.get("ok"))
    ended = STATES.get(ErrandState(errand.state), ANSWERED if answered else FAILED)
    return Seen(row.device.slug, ended, errand.rank, errand.stage, "", errand.answer, row.environment)
