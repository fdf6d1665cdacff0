"""The supervisor: parent of one rank, and all that is known of it outside (`docs/reliability.md` §1).

`main` is called in a fork of the starter. It takes the device's lock, writes down who it is, starts the rank, and from
then on its threads renew the lease, relay the spool and bring the inputs, while the main thread watches the rank.
"""

import json
import logging
import os
import select
import signal
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from agent.backoff import Backoff
from agent.checkpoint_copies import CheckpointCopies
from agent.conclude import Conclusion, mark_settled
from agent.device_home import DeviceHome
from agent.fresh_rank import start_fresh
from agent.inputs import Inputs
from agent.lease import LeaseLoop
from agent.memory_watch import MemoryWatch
from agent.processes import end_session, identity_of, own_identity, write_mark
from agent.relay import Delivery, Relay
from agent.reserve import give_up_reserve_when_full
from agent.server import NoAnswer, Refused, pause
from agent.situation import Situation, fabric_address
from agent.spool import append_log, last_lines
from agent.stopping import SESSION_S, Stopper
from agent.trial import fail_on_purpose
from agent.verdict import TAIL_LINES, End, exit_report, own_word
from agent.watchdog import Stall, Watchdog
from contract import logs
from contract.agent_calls import Assignment
from contract.faults import fault
from contract.reasons import EndReason
from contract.run_dir import RunDir, read_json, write_json
from contract.timing import MAX_DISCONNECTED_S, STOP_S

LOOK_MS = 100
STACKS_S = 1.0
"""The rank has this long to write its stacks before it is ended."""
SAVING_SHARE = 0.7
SHUTDOWN_S = 2.0
"""When the host is shut down, the server has this long to hear of it; the agent tells the rest next time."""
log = logging.getLogger("supervisor")


class RankHandle(Protocol):
    """A started rank, and the supervisor's end of the channel between them."""

    @property
    def pid(self) -> int: ...

    @property
    def channel(self) -> socket.socket: ...


def main(run_dir: str, device_home: str, start_rank: Callable[[], RankHandle]) -> None:
    """Supervise the attempt whose `assignment.json` lies in `run_dir`, until all about it is told."""
    run, home = RunDir(Path(run_dir)), DeviceHome(Path(device_home))
    assignment, device = Assignment.from_json(read_json(run.assignment)), home.device()
    _write_to(run.path / "supervisor.log")
    logs.set_up("supervisor", device=device.slug, **assignment.ids)
    situation = Situation(home, device, run, assignment, own_identity())
    signals = Signals()
    lock = home.lock("active")
    if lock is None or not _record(situation):
        log.info("%s %s is not started: another one lives here, or it was started before", assignment.kind, run.path)
        return
    write_mark(f"{assignment.kind}-{assignment.id}")
    fault("supervisor.before_rank")
    handle = start_fresh(run) if situation.device.kind == "cuda" else start_rank()
    situation.rank = identity_of(handle.pid)
    write_json(run.run, _identities(situation))
    log.info("rank %s of attempt %s runs as %s", assignment.rank, assignment.id, handle.pid)
    Supervision(situation, handle, signals).live()


class Supervision:
    """The parts of one supervisor, and the story of its rank: watch it, then tell how it ended."""

    def __init__(self, situation: Situation, handle: RankHandle, signals: "Signals"):
        self.situation, self.handle, self.signals = situation, handle, signals
        self.server = situation.connect()
        situation.address = fabric_address(situation.device, self.server)
        self.delivery = Delivery(situation.connect(), situation.assignment, situation.run.spool)
        self.relay = Relay(self.delivery, self._refused)
        self.lease = LeaseLoop(situation, self.relay.server_is_back.set)
        self.inputs = Inputs(situation, handle.channel)
        self.copies = CheckpointCopies(situation)
        self.stopper, self.watchdog = Stopper(situation), Watchdog(situation)
        self.memory = MemoryWatch()
        self.stall: Stall | None = None
        self.failure: tuple[str, dict[str, Any]] | None = None

    def live(self) -> None:
        attempt = self.situation.assignment.kind == "attempt"
        listener = threading.Thread(target=self._listen, name="channel", daemon=True)
        parts = [self.lease, self.inputs, listener, *([self.relay, self.copies] if attempt else [])]
        for part in parts:
            part.start()
        status = self._watch()
        self.situation.rank_ended = True
        try:
            self._conclude(status)
        except NoAnswer as silence:
            log.warning("the end stays untold until the agent tells it: %s", silence)
        finally:
            self.situation.over.set()
            self.situation.changed.set()

    def _watch(self) -> int:
        """Until the rank is gone; its wait status."""
        handle = os.pidfd_open(self.handle.pid)
        waiter = select.poll()
        waiter.register(handle, select.POLLIN)
        try:
            while True:
                waiter.poll(LOOK_MS)
                pid, status = os.waitpid(self.handle.pid, os.WNOHANG)
                if pid:
                    return status
                self._look()
        finally:
            os.close(handle)

    def _look(self) -> None:
        situation = self.situation
        self.signals.pass_on(situation)
        if self.failure is None and self.inputs.failure:
            self.failure = self.inputs.failure
            situation.ask("stop", "inputs")
        deadline = situation.assignment.deadline
        if self.failure is None and deadline and time.time() > deadline:
            self.failure = (EndReason.START_TIMEOUT, {"detail": "no answer before the deadline"})
            situation.ask("stop", "deadline")
        if self.stall is None and self.failure is None and situation.wanted == "run":
            self.stall = self.watchdog.look()
            if self.stall:
                self._end_stalled(self.stall)
        fail_on_purpose(situation)
        self.stopper.apply()
        self.memory.look()
        give_up_reserve_when_full(situation.home.path)

    def _end_stalled(self, stall: Stall) -> None:
        log.warning(stall.sentence)
        self.watchdog.show_stacks()
        self.situation.over.wait(STACKS_S)
        self.situation.ask("stop", "stalled")

    def _conclude(self, status: int) -> None:
        situation = self.situation
        end_session(self.handle.pid, within=SESSION_S)
        self.handle.channel.close()
        situation.peer_lost = own_word(situation.run).get("reason") == EndReason.SYNC_TIMEOUT
        situation.changed.set()
        report = exit_report(situation, End(status, self.stall, self.failure, self.memory.killed_just_now()))
        log.info("the rank ended: %s %s %s", report.outcome, report.reason, report.params)
        last_batch = append_log(situation.run.spool, self._last_words(), "error") if self._relays else 0
        if situation.why == "evicted" and self._revoked:
            mark_settled(situation.run, "revoked")
            return
        if report.outcome == "drained":
            self._save_for_others()
        situation.activity = "uploading" if report.outcome == "succeeded" else ""
        conclusion = Conclusion(
            self.server, situation.assignment, situation.run, self._deliver, last_batch, self._patiently, self._show
        )
        conclusion.tell(report)

    def _save_for_others(self) -> None:
        """The next attempt may be on other devices: the checkpoint of a drained one is on the server before its end."""
        if self._relays and self.situation.assignment.rank == 0 and not self.signals.shutdown_asked():
            self.situation.activity = "uploading"
            try:
                self._patiently(self.copies.bring_newest)
            except NoAnswer as silence:
                log.warning("the last checkpoint is on this device only: %s", silence)

    @property
    def _relays(self) -> bool:
        return self.situation.assignment.kind == "attempt"

    @property
    def _revoked(self) -> bool:
        try:
            self.server.get("/agent/v1/assignments")
        except Refused as refusal:
            return refusal.revoked
        except NoAnswer:
            return False
        return False

    def _last_words(self) -> list[str]:
        """What the rank could not say itself: the end of its log, with the stacks if it hung."""
        if self.stall:
            return [self.stall.sentence, *last_lines(self.situation.run.log, 4 * TAIL_LINES, 500)]
        if own_word(self.situation.run):
            return []
        return last_lines(self.situation.run.log, TAIL_LINES, 500)

    def _deliver(self, within: float | None) -> bool:
        """Bring the rest of the spool. Raises NoAnswer when all the time there is was not enough."""
        if not self._relays:
            return True
        began = time.monotonic()
        delivered = self.relay.finish(LOOK_MS / 1000 if within is None else within)
        while within is None and self.relay.is_alive():
            if time.monotonic() - began > self._patience():
                self.relay.give_up()
                raise NoAnswer("the spool could not be delivered")
            delivered = self.relay.finish(LOOK_MS / 1000)
        return delivered

    def _patience(self) -> float:
        return SHUTDOWN_S if self.signals.shutdown_asked() else MAX_DISCONNECTED_S

    def _patiently(self, call: Callable[[], Any]) -> Any:
        """Until the server answers. Raises NoAnswer when that takes too long."""
        backoff, began = Backoff(), time.monotonic()
        while True:
            try:
                return call()
            except NoAnswer as silence:
                if time.monotonic() - began > self._patience():
                    raise
                log.info("the end waits to be told: %s", silence)
                pause(max(backoff.next(), silence.retry_after), until=self.signals.shutdown_asked)

    def _show(self, done: int, total: int) -> None:
        self.situation.progress = done / total if total else 1.0

    def _refused(self, refusal: Refused) -> None:
        log.warning("batches are refused: %s", refusal)
        self.situation.ask("stop", "evicted")

    def _listen(self) -> None:
        """What the rank says on its channel: the port on which it will serve the rendezvous."""
        try:
            with self.handle.channel.makefile("r", encoding="utf-8") as lines:
                for line in lines:
                    said = json.loads(line)
                    self.situation.address = said.get("address") or self.situation.address
                    self.situation.port = int(said.get("port", 0))
                    self.situation.changed.set()
        except (OSError, ValueError) as error:
            log.info("the rank's channel ended: %s", error)


class Signals:
    """TERM: the host shuts down. USR2: the agent heard a doorbell, so the server is to be asked now.

    A handler runs between any two instructions of the main thread, so it only notes what came.
    """

    def __init__(self) -> None:
        self.rung = False
        self.shutdown_at: float | None = None
        signal.signal(signal.SIGTERM, self._note_shutdown)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGUSR2, self._note_ring)

    def shutdown_asked(self) -> bool:
        return self.shutdown_at is not None

    def pass_on(self, situation: Situation) -> None:
        """A shutdown leaves the rank most of STOP_S to save its work, then ends it."""
        if self.shutdown_at is not None:
            situation.ask("drain", "shutdown")
            if time.monotonic() - self.shutdown_at > STOP_S * SAVING_SHARE:
                situation.ask("stop", "shutdown")
        if self.rung:
            self.rung = False
            situation.changed.set()

    def _note_shutdown(self, *_) -> None:
        self.shutdown_at = self.shutdown_at or time.monotonic()

    def _note_ring(self, *_) -> None:
        self.rung = True


def _write_to(path: Path) -> None:
    handle = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    os.close(handle)
    os.close(nothing)


def _record(situation: Situation) -> bool:
    """Write `run.json` if none is there: whoever comes second starts nothing (rule R4)."""
    draft = situation.run.path / f"run.json.{os.getpid()}"
    write_json(draft, _identities(situation))
    try:
        os.link(draft, situation.run.run)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True


def _identities(situation: Situation) -> dict[str, Any]:
    assignment = situation.assignment
    return {
        "kind": assignment.kind,
        "id": assignment.id,
        "fence": assignment.fence,
        "supervisor": asdict(situation.supervisor),
        "rank": asdict(situation.rank) if situation.rank else {},
    }
