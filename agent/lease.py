"""Keeps the lease of one attempt or errand alive, and hears through it what the server wants."""

import logging
import threading
import time

from agent.server import NoAnswer, Refused, understood
from agent.situation import Situation
from contract.agent_calls import LeaseAnswer
from contract.timing import HEARTBEAT_S, MAX_DISCONNECTED_S

TIMEOUT_S = 1.5
WAITING_S = 0.1
"""While the rank waits for its rendezvous the server is asked this often: that is time the user waits for."""
log = logging.getLogger(__name__)


class LeaseLoop(threading.Thread):
    """Calls each HEARTBEAT_S, and at once when `situation.changed` is set, until `situation.over`."""

    def __init__(self, situation: Situation, on_answer):
        super().__init__(name="lease", daemon=True)
        self.situation, self.on_answer = situation, on_answer
        self.server = situation.connect(timeout=TIMEOUT_S)

    def run(self) -> None:
        situation = self.situation
        situation.changed.wait(WAITING_S)  # a rank tells its port sooner; a call without it would be made twice
        while not situation.over.is_set():
            situation.changed.clear()
            if not self._call():
                return
            waits = not situation.rank_ended and situation.rendezvous is None
            situation.changed.wait(min(HEARTBEAT_S, WAITING_S) if waits else HEARTBEAT_S)

    def _call(self) -> bool:
        """One renewal; False when there will be no other."""
        situation = self.situation
        try:
            answer = self.server.post("/agent/v1/lease", situation.lease_request())
            situation.heard(understood(LeaseAnswer, answer))
            self.on_answer()
        except NoAnswer as silence:
            log.info("the lease could not be renewed: %s", silence)
            if time.monotonic() - situation.heard_at > MAX_DISCONNECTED_S:
                situation.ask("drain", "disconnected")
        except Refused as refusal:
            if refusal.revoked or refusal.not_ours:
                log.warning("the right to this device is gone: %s", refusal)
                situation.ask("stop", "evicted")
                return False
            log.error("the lease call was refused: %s", refusal)
        return True
