"""Ends what agents leave running on purpose: starters, supervisors and ranks of the devices of one home.

They live in sessions of their own so that training survives an agent. When the whole house stops they must go too.
They are known by `FLEETUNE_DEVICE_HOME` in their environment, never by name or by a bare pid.
"""

import os
import signal
import time
from pathlib import Path

import psutil


def end_leftovers(devices: Path, within: float = 2.0) -> None:
    """TERM to every process of these devices, KILL to what is left after `within` seconds."""
    _signal(_living(devices), signal.SIGTERM)
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if not _living(devices):
            return
        time.sleep(0.05)
    _signal(_living(devices), signal.SIGKILL)


def _living(devices: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            home = process.environ().get("FLEETUNE_DEVICE_HOME", "")
        except psutil.Error:
            continue
        if home and Path(home).is_relative_to(devices) and process.pid != os.getpid():
            found.append(process)
    return [process for process in found if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


def _signal(processes: list[psutil.Process], number: int) -> None:
    for process in processes:
        try:
            process.send_signal(number)
        except psutil.NoSuchProcess:
            continue
