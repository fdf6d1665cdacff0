"""Keeps the leases of assignments that have no supervisor yet: a cold starter, a neighbour or an old spool."""

import logging
import threading

from agent.device_home import Device, DeviceHome
from agent.server import NoAnswer, Refused, Server
from contract import logs
from contract.agent_calls import Assignment, LeaseRequest
from contract.timing import HEARTBEAT_S

TIMEOUT_S = 1.5
log = logging.getLogger(__name__)


class Holding(threading.Thread):
    """Renews each HEARTBEAT_S what is held. The supervisor does it once there is one."""

    def __init__(self, home: DeviceHome, device: Device):
        super().__init__(name="holding", daemon=True)
        self.server = Server(device.server, home.credential, TIMEOUT_S, device.tls_fingerprint)
        self.held: dict[tuple[str, int, int], Assignment] = {}
        self.ending = threading.Event()

    def hold(self, assignment: Assignment) -> None:
        self.held[(assignment.kind, assignment.id, assignment.fence)] = assignment

    def let_go(self, assignment: Assignment) -> None:
        self.held.pop((assignment.kind, assignment.id, assignment.fence), None)

    def keep_only(self, assignments: list[Assignment]) -> None:
        """Forget what the server does not assign any more."""
        named = {(item.kind, item.id, item.fence) for item in assignments}
        for key in set(self.held) - named:
            self.held.pop(key, None)

    def run(self) -> None:
        while not self.ending.wait(HEARTBEAT_S):
            for assignment in list(self.held.values()):
                with logs.about(**assignment.ids):
                    self._renew(assignment)

    def _renew(self, assignment: Assignment) -> None:
        request = LeaseRequest(assignment.kind, assignment.id, assignment.fence, supervisor={}, rank_process={})
        try:
            self.server.post("/agent/v1/lease", request)
        except NoAnswer as silence:
            log.info("a lease could not be held: %s", silence)
        except Refused as refusal:
            log.info("%s %s is not ours any more: %s", assignment.kind, assignment.id, refusal)
            self.let_go(assignment)
