"""`python -m agent run-all`: one agent for each device of this host, started again when it dies."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from gettext import gettext as _
from pathlib import Path

from agent.device_home import DeviceHome
from agent.enrol import homes_of_devices
from agent.processes import end_with_parent, is_alive, own_identity, send
from agent.run import REVOKED
from agent.stop import stop_ranks
from contract.agent_calls import ProcessIdentity
from contract.run_dir import read_json, write_json
from contract.timing import STOP_S

LOOK_S = 0.25
RESTART_S = (1.0, 5.0)
"""Wait before an agent is started again: at first, and when it dies at every start."""
QUICK_DEATH_S = 10.0
END_S = 5.0
KEEPER = "run-all.json"


@dataclass
class Kept:
    """One device's agent."""

    home: DeviceHome
    process: subprocess.Popen | None = None
    started_at: float = 0.0
    wait: float = RESTART_S[0]
    given_up: bool = False


def run_all(home: Path) -> int:
    """Keep the agents until TERM (ranks go on) or Ctrl-C (everything stops); the exit code."""
    kept = [Kept(device) for device in homes_of_devices(home)]
    if not kept:
        print(_("No device has joined in %(home)s. Run the join command first.") % {"home": home}, file=sys.stderr)
        return 1
    _end_keeper_before(home)
    write_json(home / KEEPER, asdict(own_identity()))
    heard: list[int] = []
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, lambda number, _frame: heard.append(number))
    names = ", ".join(item.home.path.name for item in kept)
    print(_("Agents run for %(devices)s. Ctrl-C stops them and what they train.") % {"devices": names}, flush=True)
    while not heard:
        for item in kept:
            _look_after(item)
        if all(item.given_up for item in kept):
            return REVOKED
        time.sleep(LOOK_S)
    _end_agents(kept)
    if signal.SIGINT in heard:
        _stop_ranks([item.home for item in kept])
    return 0


def stop_all(home: Path) -> int:
    """End keeper, agents, supervisors and ranks of all devices in `home` (or of the one device that `home` is)."""
    _end_keeper_before(home)
    devices = homes_of_devices(home) or [DeviceHome(home)]
    for device in devices:
        body = read_json(device.path / "agent.run.json")
        identity = ProcessIdentity.from_json(body) if body else None
        send(identity, signal.SIGTERM)
        _wait_for_end(identity, END_S)
        send(identity, signal.SIGKILL)
    return 0 if _stop_ranks(devices) else 1


def _look_after(item: Kept) -> None:
    if item.given_up or (item.process and item.process.poll() is None):
        return
    now = time.monotonic()
    if item.process:
        if item.process.returncode == REVOKED:
            item.given_up = True
            return
        if now - item.started_at < item.wait:
            return
        print(
            _("The agent of %(device)s ended with %(code)s and is started again.")
            % {"device": item.home.path.name, "code": item.process.returncode},
            flush=True,
        )
        quick = now - item.started_at < QUICK_DEATH_S
        item.wait = min(item.wait * 2, RESTART_S[1]) if quick else RESTART_S[0]
    item.process = subprocess.Popen(
        [sys.executable, "-m", "agent", "run", "--home", str(item.home.path)],
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=end_with_parent,
    )
    item.started_at = now


def _end_agents(kept: list[Kept]) -> None:
    living = [item.process for item in kept if item.process and item.process.poll() is None]
    for process in living:
        process.terminate()
    deadline = time.monotonic() + END_S
    for process in living:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _stop_ranks(devices: list[DeviceHome]) -> bool:
    """All devices at once: ranks of one job end together."""
    with ThreadPoolExecutor(len(devices)) as pool:
        return all(list(pool.map(lambda device: stop_ranks(device, STOP_S + 2), devices)))


def _end_keeper_before(home: Path) -> None:
    """A run-all that is still there (of an older version, say) makes room."""
    try:
        body = read_json(home / KEEPER)
    except json.JSONDecodeError:
        body = None
    identity = ProcessIdentity(**body) if body else None
    if identity and identity.pid != os.getpid():
        send(identity, signal.SIGTERM)
        _wait_for_end(identity, END_S + 1)


def _wait_for_end(identity: ProcessIdentity | None, within: float) -> None:
    deadline = time.monotonic() + within
    while is_alive(identity) and time.monotonic() < deadline:
        time.sleep(0.05)
