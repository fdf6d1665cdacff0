"""Runs whose supervisor is gone: what they left is delivered, their end is told, and later they are swept away."""

import logging
import shutil
import time
from contextlib import suppress
from pathlib import Path

from agent.conclude import Conclusion, is_settled, mark_settled, settled_at, untold_report
from agent.device_home import DeviceHome
from agent.processes import end_marked, is_alive, marked_processes
from agent.relay import Delivery, bring_all
from agent.server import Refused, Server
from agent.spool import append_log
from agent.verdict import unexplained_end
from contract import logs
from contract.agent_calls import Assignment, ProcessIdentity
from contract.run_dir import RunDir, read_json

END_S = 2.0
"""A rank ends itself this soon after its supervisor."""
KEEP_S = 24 * 3600.0
log = logging.getLogger(__name__)


def supervisor_of(run: RunDir) -> ProcessIdentity | None:
    """As it wrote itself down, alive or not; None when none ever did."""
    body = _read(run.run)
    return ProcessIdentity(**body["supervisor"]) if body.get("supervisor") else None


def is_supervised(run: RunDir) -> bool:
    return is_alive(supervisor_of(run))


def was_started(run: RunDir) -> bool:
    return run.run.exists()


def mark_of(assignment: Assignment) -> str:
    return f"{assignment.kind}-{assignment.id}"


def living_marks(home: DeviceHome) -> set[str]:
    """Attempts and errands of which a process lives on this device."""
    return {item.mark for item in marked_processes(home.path)}


def settle(home: DeviceHome, server: Server, run: RunDir) -> None:
    """Tell the end of a run whose supervisor is gone, with all that its rank had to say. Raises NoAnswer.

    Processes are ended by the mark they carry, never by the number that `run.json` names: that may be another's now.
    """
    body = _read(run.assignment)
    if not body:
        mark_settled(run, "no assignment")
        return
    assignment = Assignment.from_json(body)
    with logs.about(**assignment.ids):
        _settle(home, server, run, assignment)


def _settle(home: DeviceHome, server: Server, run: RunDir, assignment: Assignment) -> None:
    if not end_marked(home.path, mark_of(assignment), END_S):
        log.error("a process of %s cannot be ended", mark_of(assignment))
        return
    words = f"The supervisor of rank {assignment.rank} is gone."
    report = untold_report(run) or unexplained_end(assignment, run, words)
    relays = assignment.kind == "attempt"
    last_batch = append_log(run.spool, [], "error") if relays else 0
    log.warning("%s ended without its supervisor: %s %s", mark_of(assignment), report.outcome, report.reason)
    delivery = Delivery(server, assignment, run.spool)
    conclusion = Conclusion(server, assignment, run, lambda within: _deliver(delivery, relays, within), last_batch)
    conclusion.tell(report)


def deliver_spool(server: Server, run: RunDir) -> None:
    """Bring the spool of an attempt that ended before, as far as it is still taken. Raises NoAnswer."""
    body = _read(run.assignment)
    if not body or not run.spool.exists():
        return
    try:
        bring_all(Delivery(server, Assignment.from_json(body), run.spool))
    except Refused as refusal:
        log.info("the spool of %s is not wanted any more: %s", run.path.name, refusal)


def sweep(home: DeviceHome, now: float | None = None) -> list[Path]:
    """Delete the run directories of jobs and errands that ended a day ago; checkpoints stay. Answers what went."""
    now, gone = time.time() if now is None else now, []
    groups = [[RunDir(path) for path in job.glob("attempts/*")] for job in sorted(home.path.glob("jobs/*"))]
    groups += [[RunDir(path)] for path in sorted(home.path.glob("errands/*"))]
    for runs in groups:
        ended = [settled_at(run) for run in runs]
        if runs and all(at is not None and now - at > KEEP_S for at in ended):
            for run in runs:
                shutil.rmtree(run.path, ignore_errors=True)
                gone.append(run.path)
    return gone


def unsettled(home: DeviceHome) -> list[RunDir]:
    """Runs that were started, are not told to their end, and have no supervisor."""
    runs = [run for run in home.run_dirs() if was_started(run) and not is_settled(run)]
    return [run for run in runs if not is_supervised(run)]


def _deliver(delivery: Delivery, relays: bool, within: float | None) -> bool:
    """A failure is told first: only the second call, which may take its time, brings the spool."""
    if not relays:
        return True
    if within is not None:
        return False
    with suppress(Refused):
        bring_all(delivery)
    return delivery.complete


def _read(path: Path) -> dict:
    try:
        return read_json(path) or {}
    except ValueError:
        return {}
