"""Sees when a rank shows no sign of life any more, makes it show where it hangs, and says what is the matter."""

import signal
import time
from dataclasses import dataclass
from typing import Any

from agent.processes import send, state_letter
from agent.situation import Situation
from contract.reasons import EndReason
from contract.timing import HANG_GRACE_S, START_STALL_S

STATES = {"T": "stopped (T)", "t": "held by a debugger (t)", "D": "waiting for a disk (D)"}


@dataclass(frozen=True)
class Stall:
    """`reason` is stalled, or start_timeout when the rank never moved."""

    reason: str
    params: dict[str, Any]
    sentence: str


class Watchdog:
    """Asked a few times a second; begins to watch when the rank was let go."""

    def __init__(self, situation: Situation):
        self.situation = situation
        self.go_at: float | None = None

    def look(self) -> Stall | None:
        """The stall, when the rank is overdue now."""
        now = time.monotonic()
        if self.go_at is None:
            if not self.situation.run.go.exists():
                return None
            self.go_at = now
        sign = self.situation.sign_of_life()
        at = sign.get("at", float("-inf"))
        began = at >= self.go_at
        silence = now - max(at, self.go_at)
        patience = sign["budget"] + HANG_GRACE_S if began else START_STALL_S
        return self._stall(sign, began, silence) if silence > patience else None

    def show_stacks(self) -> None:
        """Ask the rank to write the stacks of all its threads into its log."""
        if self.situation.rank and state_letter(self.situation.rank.pid) != "T":
            send(self.situation.rank, signal.SIGUSR1)

    def _stall(self, sign: dict[str, Any], began: bool, silence: float) -> Stall:
        rank = self.situation.rank
        letter = state_letter(rank.pid) if rank else ""
        seconds, step, stage = round(silence, 1), sign.get("step", 0), sign.get("stage", "")
        sentence = f"No sign of life for {seconds} s at step {step} ({stage or 'start'})"
        if letter in STATES:
            sentence += f": the process is {STATES[letter]}"
        reason = EndReason.STALLED if began else EndReason.START_TIMEOUT
        params = {"rank": self.situation.assignment.rank, "step": step, "stage": stage, "seconds": seconds}
        return Stall(reason, params | {"process_state": letter}, sentence)
