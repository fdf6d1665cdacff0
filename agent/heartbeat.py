"""Says each HEARTBEAT_S that this device is here: on a thread and a connection of its own."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from agent.device_home import Device, DeviceHome
from agent.doorbell import Bell
from agent.environment import Environment
from agent.fabric import interface_of
from agent.readings import Readings
from agent.server import NoAnswer, Refused, Server, understood
from agent.situation import fabric_address
from contract.agent_calls import Heartbeat, HeartbeatAnswer, ProcessIdentity
from contract.timing import HEARTBEAT_S

TIMEOUT_S = 1.5
FIRST_S = 0.5
"""between calls until the server has answered once: it may be starting too"""
log = logging.getLogger(__name__)


class HeartbeatLoop(threading.Thread):
    """Ends with `revoked` set when the credential is not taken; `taken` while another agent runs as this device."""

    def __init__(
        self,
        home: DeviceHome,
        device: Device,
        process: ProcessIdentity,
        replaces: dict[str, Any],
        bell: Bell,
        data: Callable[[], list[str]],
    ):
        super().__init__(name="heartbeat", daemon=True)
        self.device, self.process, self.replaces, self.bell, self.data = device, process, replaces, bell, data
        self.server = Server(device.server, home.credential, TIMEOUT_S, device.tls_fingerprint)
        self.environment, self.readings = Environment(home.path), Readings(device, home.path)
        self.known_hash = ""
        """of the environment that the server holds"""
        self.first_answer, self.ending = threading.Event(), threading.Event()
        self.taken = self.revoked = False
        self.silence = ""

    def run(self) -> None:
        while not self.ending.is_set() and not self.revoked:
            began = time.monotonic()
            self.beat()
            every = HEARTBEAT_S if self.first_answer.is_set() else min(FIRST_S, HEARTBEAT_S)
            self.ending.wait(max(0.0, every - (time.monotonic() - began)))

    def beat(self) -> None:
        try:
            self._heard(understood(HeartbeatAnswer, self.server.post("/agent/v1/heartbeat", self._message())))
        except NoAnswer as silence:
            if not self.silence:
                log.warning("the server is away, work goes on: %s", silence)
            self.silence = str(silence)
        except Refused as refusal:
            self._refused(refusal)

    def _message(self) -> Heartbeat:
        facts = self.environment.facts()
        address = fabric_address(self.device, self.server)
        return Heartbeat(
            process=asdict(self.process),
            environment_hash=self.environment.hash,
            environment=None if self.known_hash == self.environment.hash else facts,
            reading=self.readings.take(),
            address=address,
            fabric_interface=interface_of(address),
            last_ring=self.bell.last_ring,
            data=self.data(),
            replaces=self.replaces,
        )

    def _heard(self, answer: HeartbeatAnswer) -> None:
        if self.silence:
            log.warning("the server answers again")
        if self.taken:
            log.warning("this device is ours now")
        self.silence, self.taken = "", False
        self.known_hash = answer.environment_hash
        self.first_answer.set()

    def _refused(self, refusal: Refused) -> None:
        if refusal.revoked:
            self.revoked = True
        elif refusal.code == "device-taken":
            if not self.taken:
                log.warning("another agent runs as this device; this one waits until that is silent for 10 s")
            self.taken = True
        else:
            log.error("the heartbeat was refused: %s", refusal)
        self.first_answer.set()
        self.bell.rung.set()
