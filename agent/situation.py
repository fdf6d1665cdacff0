"""What the parts of one supervisor know in common: the assignment, the rank, and what the server wants of it."""

import socket
import threading
import time
from dataclasses import asdict, dataclass, field
from typing import Any

from agent.device_home import Device, DeviceHome
from agent.server import Server
from contract.agent_calls import Assignment, LeaseAnswer, LeaseRequest, ProcessIdentity
from contract.run_dir import RunDir, read_json

STRICTNESS = ("run", "drain", "cancel", "stop")


@dataclass
class Situation:
    """Written by the threads of one supervisor; each field has one writer."""

    home: DeviceHome
    device: Device
    run: RunDir
    assignment: Assignment
    supervisor: ProcessIdentity
    rank: ProcessIdentity | None = None
    wanted: str = "run"
    """the strictest word heard so far"""
    why: str = ""
    """server, evicted, disconnected, shutdown: who asked for the end"""
    port: int = 0
    address: str = ""
    activity: str = ""
    """of the supervisor itself; the rank's own is in its sign of life"""
    progress: float = 0.0
    peer_lost: bool = False
    rendezvous: dict[str, Any] | None = None
    resume_step: int | None = None
    checkpoint: dict[str, Any] = field(default_factory=dict)
    obeyed: str = ""
    """the order of this kind that was carried out last: each is told more than once"""
    to_kill: str = ""
    """a failure tried on purpose: "rank" or "agent" """
    rank_ended: bool = False
    over: threading.Event = field(default_factory=threading.Event)
    """the supervisor has nothing more to do"""
    meeting_known: threading.Event = field(default_factory=threading.Event)
    """`rendezvous` is there"""
    changed: threading.Event = field(default_factory=threading.Event)
    """something that the server should know at once"""
    heard_at: float = field(default_factory=time.monotonic)
    """when the server answered last"""

    def connect(self, timeout: float = 10.0) -> Server:
        """A connection of its own for one thread."""
        return Server(self.device.server, self.home.credential, timeout, self.device.tls_fingerprint)

    def ask(self, wanted: str, why: str) -> None:
        """The rank should stop in this way; a word is never taken back by a weaker one."""
        if STRICTNESS.index(wanted) > STRICTNESS.index(self.wanted):
            self.wanted, self.why = wanted, why

    def sign_of_life(self) -> dict[str, Any]:
        """The rank's `Progress`, {} when it has given none yet."""
        try:
            return read_json(self.run.progress) or {}
        except ValueError:
            return {}

    def lease_request(self) -> LeaseRequest:
        sign = self.sign_of_life()
        return LeaseRequest(
            kind=self.assignment.kind,
            id=self.assignment.id,
            fence=self.assignment.fence,
            supervisor=asdict(self.supervisor),
            rank_process=asdict(self.rank) if self.rank else {},
            port=self.port,
            address=self.address,
            stage=sign.get("stage", ""),
            activity=self.activity or sign.get("activity", ""),
            progress=self.progress,
            step=sign.get("step", 0),
            peer_lost=self.peer_lost,
        )

    def heard(self, answer: LeaseAnswer) -> None:
        """Take over what the server said."""
        self.heard_at = time.monotonic()
        self.to_kill = answer.kill or self.to_kill
        if answer.wanted in STRICTNESS:
            self.ask(answer.wanted, "server")
        if answer.rendezvous and answer.resume_step is not None:
            self.checkpoint = answer.checkpoint
            self.resume_step = answer.resume_step
            self.rendezvous = answer.rendezvous
            self.meeting_known.set()


def fabric_address(device: Device, server: Server) -> str:
    """Where other ranks reach this device: as it was told, or the address from which it reaches the server."""
    if device.fabric_address:
        return device.fabric_address
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((server.address.hostname, server.address.port or 80))
        except OSError:
            return "127.0.0.1"
        return probe.getsockname()[0]
