"""Stops what lives on when an agent ends: ranks and supervisors, in an orderly way, then by force."""

import signal
import time

from agent.device_home import DeviceHome
from agent.leftovers import supervisor_of
from agent.processes import end_marked, marked_processes, send


def stop_ranks(home: DeviceHome, within: float) -> bool:
    """TERM to the supervisors of a device, which end their ranks and say so; KILL to what is left. True when none is.

    A rank gets most of `within` seconds to save its work; the server hears of the end now or at the next start.
    """
    for run in home.run_dirs():
        send(supervisor_of(run), signal.SIGTERM)
    deadline = time.monotonic() + within
    while marked_processes(home.path) and time.monotonic() < deadline:
        time.sleep(0.05)
    marks = {item.mark for item in marked_processes(home.path)}
    return sum(not end_marked(home.path, mark, 1.0) for mark in marks) == 0
