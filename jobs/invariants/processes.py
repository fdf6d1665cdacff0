"""What runs for a device on this host: processes of the attempt or errand that holds its lease, and of no other."""

import json
from collections.abc import Iterator
from pathlib import Path

from devices.models import Lease
from jobs.invariants.scope import Scope, Violation
from jobs.models import Attempt, Errand

PROC = Path("/proc")
ATTEMPT, HOME = b"FLEETUNE_ATTEMPT=", b"FLEETUNE_DEVICE_HOME="
"""how the agent marks what it starts (`agent/processes.py`)"""


def check(scope: Scope, home: Path) -> Iterator[Violation]:
    """I1 and I6 among the processes of the device whose home this is."""
    marks = _marks(str(home).encode())
    slug = json.loads((home / "agent.json").read_text(encoding="utf-8"))["slug"] if marks else ""
    lease = Lease.objects.filter(device__slug=slug, released_at=None).first() if marks else None
    holder = "" if lease is None else f"attempt-{lease.attempt_id}" if lease.attempt_id else f"errand-{lease.errand_id}"
    for mark, pids in marks.items():
        if mark == holder:
            continue
        if _ended_long_ago(scope, mark):
            yield Violation("I6", "a process outlived what it ran for", {"device": slug, "of": mark, "pids": pids})
        elif holder in marks:
            rows = {"device": slug, "of": mark, "beside": holder, "pids": pids}
            yield Violation("I1", "processes of two holders live on one device", rows)


def _marks(home: bytes) -> dict[str, list[int]]:
    """{"attempt-7": pids} of every process that carries a mark of this device."""
    found: dict[str, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            words = _environment(entry)
            mark = next((word[len(ATTEMPT) :] for word in words if word.startswith(ATTEMPT)), b"").strip()
            if mark and HOME + home in words:
                found.setdefault(mark.decode(), []).append(int(entry.name))
    return found


def _environment(entry: Path) -> list[bytes]:
    try:
        return (entry / "environ").read_bytes().split(b"\0")
    except OSError:
        return []


def _ended_long_ago(scope: Scope, mark: str) -> bool:
    """Also true for a holder that the database does not know."""
    kind, _dash, number = mark.partition("-")
    rows = (Attempt if kind == "attempt" else Errand).objects.filter(pk=int(number))
    ended = rows.values_list("ended_at", flat=True).first() if rows.exists() else scope.settled
    return ended is not None and ended <= scope.settled
