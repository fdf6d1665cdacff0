"""Which processes of a running Fleetune play which part: what the chaos runner may kill."""

from collections import defaultdict
from pathlib import Path

import psutil

from agent.device_home import DeviceHome
from agent.processes import identity_of, is_alive
from contract.agent_calls import ProcessIdentity
from contract.run_dir import read_json
from tests.e2e.stack import Stack

ROLES = ("rank", "supervisor", "starter", "agent", "web", "control", "server-worker", "broker")
WORDS = {
    "uvicorn": "web",
    "manage.py control": "control",
    "manage.py server_worker": "server-worker",
    "agent run": "agent",
    "training.starter": "starter",
}


def living(stack: Stack) -> dict[str, list[ProcessIdentity]]:
    """{role: the processes of this home that play it now}."""
    found: dict[str, list[ProcessIdentity]] = defaultdict(list)
    supervised = _supervised(stack.home)
    for role, identity in supervised:
        found[role].append(identity)
    known = {identity.pid for _role, identity in supervised}
    found["broker"] += _broker(stack.home)
    for pid in stack.living():
        identity = identity_of(pid)
        role = _role_of(pid)
        if identity and role and pid not in known:
            found[role].append(identity)
    return found


def device_homes(stack: Stack) -> list[Path]:
    return sorted(path.parent for path in (stack.home / "devices").glob("*/agent.json"))


def _supervised(home: Path) -> list[tuple[str, ProcessIdentity]]:
    """Supervisors and ranks, as they wrote themselves down: they are forks and look like their starter."""
    found = []
    for device in (home / "devices").glob("*/agent.json"):
        for run in DeviceHome(device.parent).run_dirs():
            body = read_json(run.run) or {}
            for role in ("supervisor", "rank"):
                identity = ProcessIdentity(**body[role]) if body.get(role) else None
                if is_alive(identity):
                    found.append((role, identity))
    return found


def _broker(home: Path) -> list[ProcessIdentity]:
    """Known by the port of this home: it writes over its command line and its environment."""
    port = home / "broker_port"
    wanted = int(port.read_text()) if port.exists() else 0
    listening = [each for each in psutil.net_connections("tcp") if each.status == psutil.CONN_LISTEN and each.pid]
    pids = {each.pid for each in listening if each.laddr.port == wanted}
    return [identity for pid in pids if (identity := identity_of(pid))]


def _role_of(pid: int) -> str:
    try:
        line = (Path("/proc") / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""
    return next((role for words, role in WORDS.items() if words in line), "")
