"""The agent of one device: heartbeats, doorbells and polls, until it is told to end. Ranks live on without it."""

import fcntl
import logging
import os
import signal
import sys
import time
from dataclasses import asdict
from gettext import gettext as _

from agent.credential_rotation import rotate_when_old
from agent.device_home import DeviceHome
from agent.doorbell import Bell, Listener
from agent.duties import Duties
from agent.heartbeat import HeartbeatLoop
from agent.kept_files import sweep_kept
from agent.leftovers import sweep
from agent.processes import boot_id, is_alive, own_identity
from agent.reserve import keep_reserve
from agent.server import NoAnswer, Refused
from agent.starter import PRELOAD, RANK, Starter
from agent.stop import stop_ranks
from contract.agent_calls import ProcessIdentity
from contract.run_dir import read_json, write_json
from contract.timing import POLL_S

REVOKED = 3
"""Exit code: the server does not take this device's credential, so starting again is useless."""
BROKEN = 1
LOOK_S = min(1.0, POLL_S / 2)
"""How often dead supervisors are looked for (F03)."""
SOON_S = 0.2
SERVER_FIRST_S = POLL_S
"""How long the starter's imports, seconds of a core, leave room to a server that starts on the same machine."""
HOUSEKEEPING_S = 3600.0
DEAF_S = 90.0
STOP_RANKS_S = 5.0
log = logging.getLogger(__name__)


def run(home: DeviceHome, preload: str = PRELOAD, rank: str = RANK) -> int:
    """Serve until SIGTERM; the exit code. Raises FileNotFoundError when no device was joined in `home`."""
    device = home.device()
    lock = _wait_for_lock(home)
    agent = Agent(home, preload, rank)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: agent.stop())
    try:
        log.info("agent of %s, queue %s, server %s", device.slug, device.queue, device.server)
        if os.environ.get("FLEETUNE_FAULT"):
            log.warning("FLEETUNE_FAULT is set: this agent will fail on purpose")
        return agent.serve()
    finally:
        agent.end()
        os.close(lock)


class Agent:
    """One device's agent and its parts."""

    def __init__(self, home: DeviceHome, preload: str, rank: str):
        self.home, self.device = home, home.device()
        self.bell = Bell()
        self.starter = Starter(home, self.device, preload, rank)
        self.duties = Duties(home, self.device, self.starter)
        self.listener = Listener(self.device, self.bell)
        process = own_identity()
        self.heartbeat = HeartbeatLoop(home, self.device, process, _gone_before(home), self.bell, self._data)
        write_json(home.path / "agent.run.json", {**asdict(process), "home": str(home.path)})
        self.ending = False
        self.polled_at = self.kept_house_at = float("-inf")
        self.server_away = False

    def stop(self) -> None:
        """Called in a signal handler: only note it, the loop looks within LOOK_S."""
        self.ending = True

    def serve(self) -> int:
        self.heartbeat.start()
        self.duties.holding.start()
        self._let_the_server_come_first()
        self.starter.ensure()
        while not self.ending:
            try:
                self._round()
            except Refused as refusal:
                self.heartbeat.revoked |= refusal.revoked
                log.error("the server refused: %s", refusal)
            if self.heartbeat.revoked:
                return self._revoked()
            if not (self.heartbeat.is_alive() and self.duties.holding.is_alive()):
                log.error("a part of this agent ended; the lines above say why")
                return BROKEN
        log.info("the agent ends; ranks go on")
        return 0

    def _let_the_server_come_first(self) -> None:
        deadline = time.monotonic() + SERVER_FIRST_S
        while not self.heartbeat.first_answer.wait(SOON_S) and not self.ending and time.monotonic() < deadline:
            pass

    def end(self) -> None:
        self.heartbeat.ending.set()
        self.duties.holding.ending.set()
        self.starter.stop()

    def _round(self) -> None:
        """One turn of the loop: a ring, a poll that is due, or only a look at supervisors that may have died."""
        rung = self._wait()
        if self.ending or self.heartbeat.taken:
            self.listener.stop()
            return
        self.listener.ensure()
        self._keep_house()
        try:
            self.duties.settle_leftovers()
            if rung or time.monotonic() - self.polled_at >= POLL_S:
                self.polled_at = time.monotonic()
                self.duties.look()
            elif self.duties.waiting:
                self.duties.go_on()
            self.server_away = False
        except NoAnswer as silence:
            if not self.server_away:
                log.warning("the server is away: %s", silence)
            self.server_away = True

    def _wait(self) -> bool:
        """Until a ring, in short waits, so that a signal is heard; True for a ring."""
        deadline = time.monotonic() + (SOON_S if self.duties.waiting else LOOK_S)
        while not self.ending and (left := deadline - time.monotonic()) > 0:
            if self.bell.wait(min(left, SOON_S)):
                return True
        return False

    def _keep_house(self) -> None:
        """Once an hour: old run directories, the reserve, the credential's age; and each time a deaf worker."""
        self._restart_when_deaf()
        if time.monotonic() - self.kept_house_at < HOUSEKEEPING_S:
            return
        self.kept_house_at = time.monotonic()
        self.starter.ensure()
        for path in sweep(self.home):
            log.info("swept %s: its job ended a day ago", path)
        sweep_kept(self.home, self.duties.assigned)
        keep_reserve(self.home.path)
        rotate_when_old(self.home, self.duties.server)

    def _restart_when_deaf(self) -> None:
        """The server rings each 30 s to test; when that was heard once and then not for 90 s, the worker is deaf."""
        if self.bell.last_ring and time.time() - self.bell.last_ring > DEAF_S and not self.heartbeat.silence:
            log.warning("no doorbell was heard for %.0f s: the worker is started again", DEAF_S)
            self.bell.last_ring = 0.0
            self.listener.stop()

    def _revoked(self) -> int:
        """The server does not know this device any more: nothing of it may go on."""
        stop_ranks(self.home, STOP_RANKS_S)
        sentence = _(
            "The server does not take the credential of %(device)s any more: it was revoked, or the device was "
            "removed. Everything that ran here was stopped. To come back, add the device again and run its join "
            "command."
        )
        print(sentence % {"device": self.device.slug}, file=sys.stderr, flush=True)
        return REVOKED

    def _data(self) -> list[str]:
        return [path.name for path in self.home.path.glob("data/*") if path.is_dir() and "." not in path.name]


def _gone_before(home: DeviceHome) -> dict:
    """The agent before this one, when it is seen to be gone: this one takes over at once.

    Only one of this directory and this boot can be seen: another host may run a copy of the directory.
    """
    body = read_json(home.path / "agent.run.json") or {}
    if body.pop("home", "") != str(home.path) or body["boot_id"] != boot_id():
        return {}
    return {} if is_alive(ProcessIdentity(**body)) else body


def _wait_for_lock(home: DeviceHome) -> int:
    """One agent per device directory; a second one waits until the first ends."""
    lock = home.lock("agent")
    if lock is not None:
        return lock
    log.warning("another agent runs in %s; this one waits until that ends", home.path)
    handle = os.open(home.path / "agent.lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(handle, fcntl.LOCK_EX)
    return handle
