"""What an ended rank's exit means: its own last word, or what can be seen from outside when it left none."""

import os
import signal
from dataclasses import dataclass
from typing import Any

from agent.situation import Situation
from agent.spool import last_lines
from agent.watchdog import Stall
from contract.agent_calls import Assignment, ExitReport
from contract.reasons import EndReason
from contract.run_dir import RunDir, read_json

OUTCOMES = ("succeeded", "failed", "drained", "cancelled")
TAIL_LINES = 40


@dataclass(frozen=True)
class End:
    """How a rank's process ended: its wait status, and what the supervisor saw or did before."""

    status: int
    stall: Stall | None = None
    failure: tuple[str, dict[str, Any]] | None = None
    """why its inputs could not be brought"""
    out_of_memory: bool = False
    """the kernel ended a process for want of memory while it ran"""


def exit_report(situation: Situation, end: End) -> ExitReport:
    """The report without `last_batch` and `gone`, which the caller fills in."""
    own = own_word(situation.run)
    code = os.waitstatus_to_exitcode(end.status)
    rank = {"rank": situation.assignment.rank}
    if end.stall:
        return _report(situation.assignment, "failed", end.stall.reason, end.stall.params, code)
    if end.failure:
        reason, params = end.failure
        return _report(situation.assignment, "failed", reason, rank | params, code)
    asked = _asked_for(situation, own)
    if asked:
        return _report(situation.assignment, *asked, rank, code)
    if own:
        return _report(
            situation.assignment, own["outcome"], own["reason"], own["params"], code, answer=own.get("answer", {})
        )
    return _report(situation.assignment, "failed", *_seen_from_outside(situation.run, rank, code, end), code)


def own_word(run: RunDir) -> dict[str, Any]:
    """The rank's `exit.json`, {} when it left none that can be read."""
    try:
        body = read_json(run.exit) or {}
    except ValueError:
        return {}
    if body.get("outcome") not in OUTCOMES:
        return {}
    return {"reason": "", "params": {}, **body}


def unexplained_end(assignment: Assignment, run: RunDir, what: str) -> ExitReport:
    """For a rank whose supervisor is gone: its own last word if it left one, else the device lost it."""
    own = own_word(run)
    if own:
        return _report(assignment, own["outcome"], own["reason"], own["params"], None, answer=own.get("answer", {}))
    return _report(assignment, "failed", EndReason.DEVICE_LOST, {"rank": assignment.rank, "detail": what}, None)


def _asked_for(situation: Situation, own: dict[str, Any]) -> tuple[str, str] | None:
    """The outcome when somebody wanted the end, unless the rank came to a better one by itself."""
    if situation.wanted == "run" or own.get("outcome") == "succeeded":
        return None
    if situation.why == "shutdown":
        return "drained", EndReason.SHUTDOWN
    if own.get("outcome") in ("drained", "cancelled"):
        return None
    if situation.wanted in ("cancel", "stop"):
        return "cancelled", EndReason.USER_CANCELLED
    return None if own else ("drained", EndReason.DRAINED)


def _seen_from_outside(run: RunDir, rank: dict[str, Any], code: int, end: End) -> tuple[str, dict[str, Any]]:
    tail = last_lines(run.log, 1)
    params = rank | {"exit_code": code, "last_log_line": tail[0] if tail else ""}
    if end.out_of_memory and code < 0:
        return EndReason.OUT_OF_MEMORY, params
    if code < 0:
        return EndReason.KILLED, params | {"signal": signal.Signals(-code).name}
    return EndReason.CODE_ERROR, params | {"detail": "\n".join(last_lines(run.log, 12, 500))}


def _report(assignment: Assignment, outcome, reason, params, code, answer=None) -> ExitReport:
    return ExitReport(
        kind=assignment.kind,
        id=assignment.id,
        fence=assignment.fence,
        outcome=outcome,
        reason=str(reason),
        params=params,
        exit_code=code,
        answer=answer or {},
    )
