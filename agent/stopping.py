"""Ends a rank in the way that was asked for: by word, by TERM, and in the end by KILL of its whole session."""

import contextlib
import os
import signal
import time

from agent.processes import end_session, send
from agent.situation import STRICTNESS, Situation
from contract.timing import DRAIN_S, FORCED_STOP_S, STOP_S

PATIENCE_S = {
    "drain": (DRAIN_S, DRAIN_S + FORCED_STOP_S),
    "cancel": (STOP_S * 0.4, STOP_S),
    "stop": (0.0, FORCED_STOP_S),
}
"""Seconds until TERM and until KILL. The word in `wanted` comes first: a rank ends best at the end of a step."""
SESSION_S = 2.0


class Stopper:
    """`apply` is called a few times a second with the strictest word heard so far."""

    def __init__(self, situation: Situation):
        self.situation = situation
        self.word = "run"
        self.term_at = self.kill_at = float("inf")
        self.killed = False

    def apply(self) -> None:
        now = time.monotonic()
        if STRICTNESS.index(self.situation.wanted) > STRICTNESS.index(self.word):
            self.word = self.situation.wanted
            self._say(self.word)
            to_term, to_kill = PATIENCE_S[self.word]
            self.term_at, self.kill_at = min(self.term_at, now + to_term), min(self.kill_at, now + to_kill)
        if now >= self.term_at:
            self.term_at = float("inf")
            send(self.situation.rank, signal.SIGTERM)
        if now >= self.kill_at:
            self.kill()

    def kill(self) -> None:
        """End the rank's session now."""
        self.killed = True
        self.kill_at = float("inf")
        if self.situation.rank:
            end_session(self.situation.rank.pid, within=SESSION_S)

    def _say(self, word: str) -> None:
        path = self.situation.run.wanted
        temporary = path.with_name("wanted.new")
        with contextlib.suppress(OSError):
            temporary.write_text(word, encoding="ascii")
            os.replace(temporary, path)
