"""How healthy the reconciler's own ticks are. Silence of a device counts only while we could have heard it (rule R6).

Monotonic time lives in this process: ticks of one process are compared with each other, and the database row tells
which of several processes counts for a second.
"""

import http.client
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q

from contract import timing
from jobs.models import Scheduler

GAP_S = 3 * timing.TICK_S
PROBE_S = 1.0
EVERYWHERE = {"0.0.0.0", "::", ""}  # noqa: S104 - compared, not bound
log = logging.getLogger(__name__)


@dataclass
class Beat:
    """What one tick found out about the ticks."""

    counts: bool
    """false: another process has ticked for this second"""
    gap: bool
    """before it nobody was listening for a while, or a clock jumped"""
    healthy: bool
    healthy_seconds: float
    """for how long all ticks of this process were healthy"""


@dataclass
class Pulse:
    """Held by the process that ticks. `answers` probes the address at which agents reach us."""

    answers: Callable[[], bool]
    monotonic: Callable[[], float] = time.monotonic
    _last: float | None = None
    _last_wall: datetime | None = None
    _healthy_since: float | None = field(default=None)

    def beat(self, now: datetime) -> Beat:
        """Note a tick at `now` of the database clock."""
        at = self.monotonic()
        gap = self._is_gap(at, now)
        counts = _take_this_second(now)
        healthy = not gap and self.answers()
        self._last, self._last_wall = at, now
        if not healthy:
            self._healthy_since = None
        elif self._healthy_since is None:
            self._healthy_since = at
        lasted = 0.0 if self._healthy_since is None else at - self._healthy_since
        return Beat(counts=counts, gap=gap, healthy=healthy, healthy_seconds=lasted)

    def since_last(self) -> float | None:
        """Seconds since the last tick of this process."""
        return None if self._last is None else self.monotonic() - self._last

    def _is_gap(self, at: float, now: datetime) -> bool:
        if self._last is None or self._last_wall is None:
            return _nobody_ticked_lately(now)
        passed = at - self._last
        jumped = abs((now - self._last_wall).total_seconds() - passed) > GAP_S
        return passed > GAP_S or jumped


def agents_address_answers() -> bool:
    """Whether `/healthz` answers over HTTP where agents call, with a database behind it. A broker that is away does not
    keep a device from being heard."""
    host = "127.0.0.1" if settings.FLEETUNE_HOST in EVERYWHERE else settings.FLEETUNE_HOST
    connection = http.client.HTTPConnection(host, settings.FLEETUNE_PORT, timeout=PROBE_S)
    try:
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        return answer.status in (200, 503) and b'"database": "ok"' in answer.read()
    except (OSError, http.client.HTTPException) as error:
        log.warning("the agents' address %s:%s does not answer: %s", host, settings.FLEETUNE_PORT, error)
        return False
    finally:
        connection.close()


def _take_this_second(now: datetime) -> bool:
    """Of several processes that tick in one second, one counts. A row from the future is stale: a clock jumped."""
    Scheduler.objects.get_or_create(pk=1)
    free = Q(last_tick_at=None) | Q(last_tick_at__lte=now - timedelta(seconds=0.8 * timing.TICK_S))
    free |= Q(last_tick_at__gt=now + timedelta(seconds=GAP_S))
    return bool(Scheduler.objects.filter(free, pk=1).update(last_tick_at=now))


def _nobody_ticked_lately(now: datetime) -> bool:
    last = Scheduler.objects.filter(pk=1).values_list("last_tick_at", flat=True).first()
    return last is None or abs((now - last).total_seconds()) > GAP_S
