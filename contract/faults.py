"""Fault points: named places at which a test makes the product fail on purpose. Without FLEETUNE_FAULT they do nothing.

`FLEETUNE_FAULT=point:nth:action[=seconds]`, several separated by commas; `nth` counts the visits of one process from 1,
`*` means every visit. Actions: `kill` (SIGKILL to itself), `sleep` (an hour, or so many seconds), `raise`, `enospc`.
"""

import errno
import os
import signal
import time
from collections import Counter

_visits: Counter[str] = Counter()


class InjectedFault(RuntimeError):
    """Raised by the action `raise`."""


def fault(point: str) -> None:
    """Fail here when FLEETUNE_FAULT asks for it; otherwise return at once."""
    wishes = os.environ.get("FLEETUNE_FAULT")
    if not wishes:
        return
    _visits[point] += 1
    for wish in wishes.split(","):
        name, nth, action = wish.strip().split(":")
        if name == point and nth in ("*", str(_visits[point])):
            _fail(point, action)


def _fail(point: str, action: str) -> None:
    verb, _, seconds = action.partition("=")
    if verb == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif verb == "sleep":
        time.sleep(float(seconds or 3600))
    elif verb == "enospc":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), point)
    elif verb == "raise":
        raise InjectedFault(point)
    else:
        raise ValueError(f"FLEETUNE_FAULT knows kill, sleep, raise and enospc, not {action!r}")
