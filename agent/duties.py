"""What the server wants this device to do now, and doing it: acknowledge, start, prepare (rules R4 and R5)."""

import logging
import os
import shutil
import signal
import threading
import time
from dataclasses import asdict
from typing import Any

from agent.checkpoints import remove_half_made, valid_checkpoints
from agent.conclude import is_settled
from agent.data_cache import coming_bytes, is_here, make_room, room
from agent.device_home import Device, DeviceHome
from agent.downloads import Spoilt
from agent.holding import Holding
from agent.inputs import fetch_prepared
from agent.leftovers import (
    deliver_spool,
    is_supervised,
    living_marks,
    mark_of,
    settle,
    supervisor_of,
    unsettled,
    was_started,
)
from agent.processes import end_marked, identity_of, is_alive, send
from agent.server import NoAnswer, Refused, Server, understood
from agent.situation import fabric_address
from agent.starter import NotReady, Starter
from contract import logs
from contract.agent_calls import Acknowledge, Assignment, Assignments, ExitReport, ProcessIdentity
from contract.faults import fault
from contract.run_dir import RunDir, checkpoints_dir, write_json
from contract.timing import HEARTBEAT_S

EVICTION_S = 2 * HEARTBEAT_S
"""A supervisor that lost its right hears so at its next heartbeat; one that does not end by then is frozen."""
log = logging.getLogger(__name__)


class Duties:
    """`look` is called at each ring and poll; everything in it may be done again without harm."""

    def __init__(self, home: DeviceHome, device: Device, starter: Starter):
        self.home, self.device, self.starter = home, device, starter
        self.server = Server(device.server, home.credential, 10, device.tls_fingerprint)
        self.holding = Holding(home, device)
        self.assigned: list[Assignment] = []
        """as of the last look"""
        self.acknowledged: set[tuple[str, int, int]] = set()
        self.asked: dict[tuple[str, int, int], ProcessIdentity | None] = {}
        """supervisors that the starter made and that may not have written themselves down yet"""
        self.in_the_way_since: dict[str, float] = {}
        self.preparing: threading.Thread | None = None
        self.waiting = False
        """an assignment could not be started yet: go on soon"""

    def look(self) -> None:
        """One look. Raises NoAnswer, and Refused with 401."""
        wanted = understood(Assignments, self.server.get("/agent/v1/assignments"))
        self.assigned = [understood(Assignment, body) for body in wanted.assignments]
        self.holding.keep_only(self.assigned)
        self._wake_supervisors()
        make_room(self.home, self.device, self.assigned)
        self.go_on()
        self._prepare(wanted.prepare)

    def go_on(self) -> None:
        """Do what was assigned and not begun, without asking again. Raises NoAnswer, and Refused with 401."""
        self.waiting = False
        for assignment in self.assigned:
            with logs.about(**assignment.ids):
                self._take(assignment)

    def settle_leftovers(self) -> None:
        """Tell the end of runs whose supervisor is gone. Raises NoAnswer, and Refused with 401."""
        for run in unsettled(self.home):
            settle(self.home, self.server, run)

    def _take(self, assignment: Assignment) -> None:
        run = self.home.run_dir(assignment.kind, assignment.job, assignment.id)
        if is_settled(run) or is_supervised(run):
            self.holding.let_go(assignment)
            return
        if was_started(run):
            settle(self.home, self.server, run)
            return
        if assignment.wanted != "run":
            self._never_started(assignment, run)
            return
        self.holding.hold(assignment)
        try:
            if self._free_for(assignment) and self._acknowledge(assignment):
                self._start(assignment, run)
        except Refused as refusal:
            if refusal.revoked:
                raise
            self.holding.let_go(assignment)
            log.info("%s is not started: %s", mark_of(assignment), refusal)

    def _free_for(self, assignment: Assignment) -> bool:
        """No process of another attempt lives here (R5). One that lost its right and does not end is ended."""
        others = living_marks(self.home) - {mark_of(assignment)}
        lock = self.home.lock("active")
        if lock is not None:
            os.close(lock)
        if not others and lock is not None:
            self.in_the_way_since.clear()
            return True
        self.waiting = True
        for mark in others:
            since = self.in_the_way_since.setdefault(mark, time.monotonic())
            if time.monotonic() - since > EVICTION_S:
                log.warning("%s has no right to this device and does not end: it is ended", mark)
                end_marked(self.home.path, mark, 1.0)
        return False

    def _acknowledge(self, assignment: Assignment) -> bool:
        key = _key(assignment)
        if key in self.acknowledged:
            return True
        checkpoints = []
        if assignment.kind == "attempt":
            directory = checkpoints_dir(self.home.path, assignment.job)
            for old in sorted(directory.parent.glob("attempts/*")):
                if old.name != str(assignment.id):
                    deliver_spool(self.server, RunDir(old))
            remove_half_made(directory)
            checkpoints = valid_checkpoints(directory)
        self.server.post("/agent/v1/ack", Acknowledge(assignment.kind, assignment.id, assignment.fence, checkpoints))
        self.acknowledged.add(key)
        return True

    def _start(self, assignment: Assignment, run: RunDir) -> None:
        """Ask for a supervisor; not while one that was asked for lives and has yet to write itself down."""
        key = _key(assignment)
        if is_alive(self.asked.get(key)):
            self.waiting = True
            return
        run.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_json(run.assignment, asdict(assignment))
        fault("launch.after_mkdir")
        environment = {"FLEETUNE_FABRIC_ADDRESS": fabric_address(self.device, self.server)}
        try:
            pid = self.starter.start(run, environment)
        except NotReady as reason:
            log.debug("the starter is not ready: %s", reason)
            self.waiting = True
            return
        self.asked[key] = identity_of(pid)
        self.holding.let_go(assignment)
        log.info("%s of job %s started under supervisor %s", mark_of(assignment), assignment.job, pid)

    def _never_started(self, assignment: Assignment, run: RunDir) -> None:
        """It was called off before a supervisor began: say at once that nothing of it lives here."""
        shutil.rmtree(run.path, ignore_errors=True)
        outcome = "drained" if assignment.wanted == "drain" else "cancelled"
        report = ExitReport(assignment.kind, assignment.id, assignment.fence, outcome, gone=True)
        try:
            self.server.post("/agent/v1/exit", report)
        except Refused as refusal:
            log.info("%s was called off: %s", mark_of(assignment), refusal)

    def _wake_supervisors(self) -> None:
        """A doorbell may be for them: they ask the server now what is wanted."""
        for run in self.home.run_dirs():
            if not is_settled(run):
                send(supervisor_of(run), signal.SIGUSR2)

    def _prepare(self, wanted: list[dict[str, Any]]) -> None:
        """Fetch data that a user wants here ahead of any job, beside everything else; nothing goes for its sake."""
        missing = [data for data in wanted if not is_here(self.home, data)]
        missing = [data for data in missing if coming_bytes(self.device, data) <= room(self.home)]
        if missing and not (self.preparing and self.preparing.is_alive()):
            self.preparing = threading.Thread(target=self._fetch, args=(missing,), name="prepare", daemon=True)
            self.preparing.start()

    def _fetch(self, missing: list[dict[str, Any]]) -> None:
        server = Server(self.device.server, self.home.credential, 30, self.device.tls_fingerprint)
        for data in missing:
            try:
                fetch_prepared(self, server, data)
            except (NoAnswer, Refused, Spoilt, OSError) as error:
                log.warning("prepared data %s could not be fetched: %s", data["hash"][:12], error)


def _key(assignment: Assignment) -> tuple[str, int, int]:
    return assignment.kind, assignment.id, assignment.fence
