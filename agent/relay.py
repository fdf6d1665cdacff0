"""Brings the batches of a spool to the server, in order, each until it is stored (rule R7)."""

import json
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from agent.backoff import Backoff
from agent.server import BODY_LIMIT, NoAnswer, Refused, Server, understood
from agent.spool import SpoolReader
from contract.agent_calls import PROTOCOL, Assignment, StoredBatches
from contract.events import Batch, LogLine
from contract.faults import fault

LOOK_S = 0.05
"""How often a spool is looked at for new lines: a fifth of the time in which a rank collects a batch."""
ENVELOPE_BYTES = 512
IMPOSSIBLE = (400, 413, 422)
"""Answers that will be the same however often a batch is sent."""
log = logging.getLogger(__name__)


class Delivery:
    """One spool on its way. `last_stored` is None until the server has said what it holds."""

    def __init__(self, server: Server, assignment: Assignment, spool: Path):
        self.server, self.spool = server, spool
        self.names = {"kind": assignment.kind, "id": assignment.id, "fence": assignment.fence}
        self.reader = SpoolReader(spool)
        self.last_stored: int | None = None

    @property
    def complete(self) -> bool:
        return self.last_stored is not None and self.last_stored >= self.reader.look()

    def step(self) -> bool:
        """Bring the next batches; False when there was nothing to bring. Raises NoAnswer, or Refused for good.

        The server's number is the truth: it is asked for after every failure, and it says from where to go on.
        """
        try:
            before = self._stored_before()
            self.reader.look()
            lines = self.reader.lines(before + 1, BODY_LIMIT - ENVELOPE_BYTES)
            if not lines:
                return False
            fault("relay.before_post")
            self.last_stored = self._post(lines, before)
            if self.last_stored <= before:
                raise NoAnswer(f"the server took nothing after batch {before}")
        except NoAnswer:
            self.last_stored = None
            raise
        return True

    def _stored_before(self) -> int:
        return self._stored_now() if self.last_stored is None else self.last_stored

    def _stored_now(self) -> int:
        return understood(StoredBatches, self.server.get("/agent/v1/events", self.names)).last_batch

    def _post(self, lines: list[bytes], before: int) -> int:
        """The number of the last stored batch after these lines, the first of which is `before` + 1."""
        try:
            return self._send(lines)
        except Refused as refusal:
            if refusal.status not in IMPOSSIBLE:
                raise
            return self._without_impossible(lines, before, refusal)

    def _send(self, lines: list[bytes]) -> int:
        head = json.dumps({"v": PROTOCOL, **self.names})[:-1].encode()
        body = head + b', "batches": [' + b",".join(lines) + b"]}"
        return understood(StoredBatches, self.server.post("/agent/v1/events", body)).last_batch

    def _without_impossible(self, lines: list[bytes], before: int, refusal: Refused) -> int:
        """Find the batch that the server cannot take, keep it aside, and bring a line that says so in its place."""
        number = self._stored_now() + 1
        line = lines[number - before - 1]
        if len(lines) > 1:
            try:
                return self._send([line])
            except Refused as again:
                if again.status not in IMPOSSIBLE:
                    raise
                refusal = again
        log.error("batch %s was refused and is set aside: %s", number, refusal)
        with open(self.spool.with_name("set_aside.jsonl"), "ab") as file:
            file.write(line + b"\n")
        now = time.time()
        note = f"Batch {number} of this rank could not be stored and lies on its device: {refusal.detail}"
        substitute = Batch(number, now, log=[LogLine(now, "error", note)])
        return self._send([substitute.to_line().encode().rstrip()])


class Relay(threading.Thread):
    """Keeps one delivery going while its rank runs, and ends once all is stored, refused, or given up."""

    def __init__(self, delivery: Delivery, on_refused: Callable[[Refused], None]):
        super().__init__(name="relay", daemon=True)
        self.delivery, self.on_refused = delivery, on_refused
        self.ending, self.given_up, self.server_is_back = threading.Event(), threading.Event(), threading.Event()
        self.refused = False

    def run(self) -> None:
        backoff = Backoff()
        while not self.given_up.is_set():
            try:
                last_look = self.ending.is_set()
                if self.delivery.step():
                    backoff.reset()
                elif last_look:
                    return
                else:
                    self.ending.wait(LOOK_S)
            except NoAnswer as silence:
                log.info("batches wait: %s", silence)
                self.server_is_back.clear()
                self.server_is_back.wait(max(backoff.next(), silence.retry_after))
            except Refused as refusal:
                self.refused = True
                self.on_refused(refusal)
                return

    def finish(self, within: float) -> bool:
        """Bring what is left; True when the server holds everything."""
        self.ending.set()
        self.join(within)
        return self.delivery.complete and not self.is_alive()

    def give_up(self) -> None:
        self.given_up.set()
        self.server_is_back.set()


def bring_all(delivery: Delivery) -> None:
    """Bring a spool that was left behind. Raises NoAnswer when the server is away."""
    while delivery.step():
        pass
