"""What follows from the reports of an attempt's ranks: go on, end, try again, or give up. Pure functions.

Reasons and what follows from each: `docs/reliability.md` §1.4; R11 says what counts as an attempt.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import SystemRandom
from typing import Any

from contract import timing
from contract.reasons import ASKED_FOR, CODE_OR_DATA, INFRASTRUCTURE, EndReason
from jobs.states import JobState

CONSEQUENCES = frozenset({EndReason.SYNC_TIMEOUT})
"""What a rank reports when a peer went away: the peer's own word, which may come a moment later, says why."""
UNKNOWN_ATTEMPTS = 2
"""An unknown reason is tried once more, then given up."""
JITTER = 0.2


@dataclass(frozen=True)
class Said:
    """What one rank has reported so far."""

    rank: int
    outcome: str = ""
    """"" while it has not exited"""
    reason: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    gone: bool = False
    delivered: bool = True
    """its whole spool is stored"""


@dataclass(frozen=True)
class End:
    """The attempt is over. `outcome` is succeeded, failed, drained or cancelled."""

    outcome: str
    reason: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    rank: int | None = None
    """whose report decided it"""


def judge(state: str, ranks: Sequence[Said], *, artifacts_whole: bool, patience_over: bool = False) -> End | None:
    """How an attempt of a job in `state` ends by what its ranks said, or None while that is open.

    `patience_over`: nobody waits any longer for a better explanation than a consequence.
    """
    all_gone = all(rank.gone for rank in ranks)
    if state == JobState.CANCELLING:
        return End("cancelled", EndReason.USER_CANCELLED) if all_gone else None
    cause = _cause(ranks)
    if cause is not None and cause.reason in CODE_OR_DATA:
        return End("failed", cause.reason, cause.params, cause.rank)
    if all(rank.outcome == "succeeded" for rank in ranks):
        return _success(ranks, artifacts_whole, all_gone)
    if state == JobState.DRAINING:
        return End("drained") if all_gone else None
    if cause is None:
        return None
    if cause.reason in CONSEQUENCES and not patience_over and not all(rank.outcome for rank in ranks):
        return None
    return End(cause.outcome, cause.reason, cause.params, cause.rank)


def _success(ranks: Sequence[Said], artifacts_whole: bool, all_gone: bool) -> End | None:
    if artifacts_whole and all(rank.delivered for rank in ranks):
        reason = next((rank.reason for rank in ranks if rank.reason), "")
        return End("succeeded", reason, ranks[0].params if reason else {})
    if all_gone and all(rank.delivered for rank in ranks):
        return End("failed", EndReason.STORAGE_UNAVAILABLE, {"what": "artifacts"})
    return None


def _cause(ranks: Sequence[Said]) -> Said | None:
    """The report that explains the end best: what the job did, then what befell a rank, then what peers saw of it.

    Of the peers, one that has found the line cut knows more than those who only waited.
    """

    def weight(rank: Said) -> int:
        if rank.reason in CODE_OR_DATA:
            return 0
        if rank.reason in CONSEQUENCES:
            return 2 if rank.params.get("what") == "unreachable" else 3
        return 1

    return min((rank for rank in ranks if rank.outcome not in ("", "succeeded")), key=weight, default=None)


@dataclass(frozen=True)
class Verdict:
    """What becomes of the job after a failed attempt."""

    again: bool
    counted: bool
    delay_s: float = 0.0


def after(reason: str, *, failures: int, max_attempts: int, attempts_ever: int) -> Verdict:
    """What follows from an attempt that ended with `reason`, after `failures` counted ones before it (R11)."""
    if reason in CODE_OR_DATA:
        return Verdict(again=False, counted=False)
    if attempts_ever >= timing.MAX_ATTEMPTS_EVER:
        return Verdict(again=False, counted=True)
    if reason in ASKED_FOR:
        return Verdict(again=True, counted=False)
    limit = max_attempts if reason in INFRASTRUCTURE else min(max_attempts, UNKNOWN_ATTEMPTS)
    if failures + 1 >= limit:
        return Verdict(again=False, counted=True)
    return Verdict(again=True, counted=True, delay_s=_delay(failures))


def _delay(failures: int) -> float:
    """Seconds before the next attempt; a little at random, so that jobs that fell together do not rise together."""
    delays = timing.REQUEUE_DELAYS_S
    return delays[min(failures, len(delays) - 1)] * SystemRandom().uniform(1 - JITTER, 1 + JITTER)
