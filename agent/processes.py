"""Processes that can be told from any other: identity (rule R12), the mark of an attempt, and ending a session.

Reads Linux's /proc. Standard library only: supervisors use it too.
"""

import contextlib
import ctypes
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from contract.agent_calls import ProcessIdentity

ATTEMPT_MARK = "FLEETUNE_ATTEMPT"
"""Environment variable that says for which attempt (or errand) of a device a process runs: `attempt-12`, `errand-3`."""
HOME_MARK = "FLEETUNE_DEVICE_HOME"
MARK_WIDTH = 40
"""Characters that the starter's environment keeps free for the mark, so that a fork can write its own there."""

PROC = Path("/proc")


def boot_id() -> str:
    return (PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def identity_of(pid: int) -> ProcessIdentity | None:
    """Who `pid` is now, or None when there is no such process or only its zombie."""
    fields = _stat(pid)
    if fields is None or fields[0] in "ZX":
        return None
    return ProcessIdentity(boot_id=boot_id(), pid=pid, start_ticks=int(fields[19]))


def own_identity() -> ProcessIdentity:
    identity = identity_of(os.getpid())
    if identity is None:
        raise RuntimeError("this process cannot be seen under /proc")
    return identity


def is_alive(identity: ProcessIdentity | None) -> bool:
    return identity is not None and identity_of(identity.pid) == identity


def state_letter(pid: int) -> str:
    """R running, S sleeping, D waiting for a disk, T stopped, Z zombie; "" when it is gone."""
    fields = _stat(pid)
    return fields[0] if fields else ""


def send(identity: ProcessIdentity | None, number: signal.Signals) -> bool:
    """Signal that very process; False, and nothing is signalled, when its pid belongs to another by now."""
    if identity is None:
        return False
    try:
        handle = os.pidfd_open(identity.pid)
    except (ProcessLookupError, OSError):
        return False
    try:
        if not is_alive(identity):
            return False
        signal.pidfd_send_signal(handle, number)
        return True
    except (ProcessLookupError, PermissionError):
        return False
    finally:
        os.close(handle)


def write_mark(value: str) -> None:
    """Show `value` as this process's ATTEMPT_MARK under /proc, for itself and what it forks.

    `/proc/<pid>/environ` shows the memory in which the environment lay at the start, which a fork shares with its
    starter; so the mark is written there, over the room that the starter was given for it.
    """
    os.environ[ATTEMPT_MARK] = value
    fields = _stat(os.getpid())
    if fields is None or len(fields) < 49:
        return
    start, end = int(fields[47]), int(fields[48])
    name = f"{ATTEMPT_MARK}=".encode()
    found = b"\0".join([b"", ctypes.string_at(start, end - start)]).find(b"\0" + name)
    text = value.encode().ljust(MARK_WIDTH)
    if found >= 0 and len(text) == MARK_WIDTH and _room(start + found + len(name)) >= MARK_WIDTH:
        ctypes.memmove(start + found + len(name), text, MARK_WIDTH)


@dataclass(frozen=True)
class Marked:
    """A process that runs for an attempt or errand on a device."""

    identity: ProcessIdentity
    mark: str


def marked_processes(device_home: Path) -> list[Marked]:
    """Every process that carries the mark of an attempt or errand on this device."""
    found = []
    home = str(device_home)
    for pid in _pids():
        environment = _environment(pid)
        mark = environment.get(ATTEMPT_MARK, "").strip()
        identity = identity_of(pid) if mark and environment.get(HOME_MARK) == home else None
        if identity:
            found.append(Marked(identity, mark))
    return found


def end_marked(device_home: Path, mark: str, within: float) -> bool:
    """Kill every process that carries `mark` on this device. False when one is still there after `within` seconds."""
    deadline = time.monotonic() + within
    while True:
        left = [item.identity for item in marked_processes(device_home) if item.mark == mark]
        left = [identity for identity in left if identity.pid != os.getpid()]
        for identity in left:
            send(identity, signal.SIGKILL)
        if not left or time.monotonic() > deadline:
            return not left
        time.sleep(0.02)


def session_members(session: int) -> list[ProcessIdentity]:
    """Living processes of a session."""
    members = []
    for pid in _pids():
        fields = _stat(pid)
        if fields and int(fields[3]) == session:
            members.append(identity_of(pid))
    return [member for member in members if member]


def end_session(session: int, within: float) -> bool:
    """Kill every process of a session. False when one is still there after `within` seconds."""
    deadline = time.monotonic() + within
    while True:
        left = session_members(session)
        for identity in left:
            send(identity, signal.SIGKILL)
        if not left or time.monotonic() > deadline:
            return not left
        time.sleep(0.02)


def end_with_parent() -> None:
    """Called in a new process: TERM comes when its parent dies (PR_SET_PDEATHSIG = 1)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def _pids() -> Iterator[int]:
    return (int(name) for name in os.listdir(PROC) if name.isdigit())


def _stat(pid: int) -> list[str] | None:
    """Fields of /proc/<pid>/stat from the state (field 3) on; the name before it may hold anything."""
    try:
        text = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()


def _environment(pid: int) -> dict[str, str]:
    try:
        block = (PROC / str(pid) / "environ").read_bytes()
    except OSError:
        return {}
    pairs = (item.decode("utf-8", "replace").partition("=") for item in block.split(b"\0") if item)
    return {name: value for name, _, value in pairs}


def _room(address: int) -> int:
    return len(ctypes.string_at(address))
