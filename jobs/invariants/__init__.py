"""What must never break, checked from the database and the files it names (`docs/reliability.md` §2).

`check()` returns every violation; none means that all promises hold. It writes nothing.
"""

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

from jobs import clock
from jobs.invariants import aftermath, driving, history, holding, on_disk, points, processes, results
from jobs.invariants.scope import Scope, Violation
from jobs.models import Scheduler

__all__ = ["Scope", "Violation", "check", "check_and_remember"]

PARTS = (holding, driving, history, points, results, aftermath)
ON_THIS_HOST = (on_disk, processes)
KEPT = 100
"""so many violations are kept for the page"""


def check(job_id: int | None = None, *, settle_s: float = 15, disks: Iterable[Path] = ()) -> list[Violation]:
    """All invariants, of one job or of all. What ended less than `settle_s` ago may still be on its way out.

    `disks`: homes of devices on this host, whose checkpoints, leftovers and processes are looked at too.
    """
    now = clock.now()
    scope = Scope(job_id, now, now - timedelta(seconds=settle_s))
    found = [violation for part in PARTS for violation in part.check(scope)]
    return found + [violation for home in disks for part in ON_THIS_HOST for violation in part.check(scope, home)]


def check_and_remember(**how: Any) -> list[Violation]:
    """All invariants of all jobs; the system page shows the result. `how` as for `check`."""
    found = check(**how)
    result = {"at": clock.now().isoformat(), "violations": [str(violation) for violation in found][:KEPT]}
    Scheduler.objects.update_or_create(pk=1, defaults={"invariants": result})
    return found
