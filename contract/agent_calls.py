"""The bodies of the calls between a device and the server (`docs/protocol.md`), as frozen dataclasses.

Every body carries `v`; the server takes PROTOCOL and the version before. `from_json` ignores keys it does not know,
so that either side may be one version ahead.

Calls without a JSON body name their attempt and fence in the query: `?kind=attempt&id=12&fence=7`.

Uploads (`/agent/v1/artifacts/<sha256>`, `/agent/v1/checkpoints/<sha256>`): `HEAD` answers 200 with the header
`Upload-Offset`, how many bytes are stored (all of them = whole and verified), or 404 for none. `PUT` sends the bytes
from `Upload-Offset` on, at most 2 MiB, of a file of `Upload-Length` bytes: 200 `{"offset": n}` while more is wanted,
201 once whole and verified; 409 `wrong-offset` with the header `Upload-Offset`, 422 wrong hash, 413 no space.
"""

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any, Self

PROTOCOL = 1


class Message:
    """A body: `to_json()` gives a dict with `v`, `from_json(dict)` reads one and raises ValueError when parts lack."""

    def to_json(self) -> dict[str, Any]:
        return {"v": PROTOCOL, **dataclasses.asdict(self)}  # type: ignore[call-overload]

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> Self:
        known = {item.name for item in dataclasses.fields(cls)}  # type: ignore[arg-type]
        try:
            return cls(**{key: value for key, value in body.items() if key in known})
        except TypeError as error:
            raise ValueError(str(error)) from error

    def to_text(self) -> str:
        return json.dumps(self.to_json(), ensure_ascii=False)


@dataclass(frozen=True)
class ProcessIdentity(Message):
    """A process that can be told from any other, also after a reboot (rule R12): never signal a bare pid."""

    boot_id: str
    pid: int
    start_ticks: int
    """field 22 of /proc/<pid>/stat; on other systems the creation time in ms"""


@dataclass(frozen=True)
class EnrolRequest(Message):
    """`POST /agent/v1/enrol`, the join command. `devices` are those that the host offers."""

    token: str
    host: str
    environment: dict[str, Any]
    devices: list[dict[str, Any]]
    """each: kind ("cpu" or "cuda"), index, label, memory_bytes, cores (list of core numbers, CPU only)"""


@dataclass(frozen=True)
class Enrolled(Message):
    """201 answer of enrol. Each device: id, slug, credential (`fld_…`), queue, broker_url, key_prefix."""

    host: str
    devices: list[dict[str, Any]]


@dataclass(frozen=True)
class NewCredential(Message):
    """201 answer of `POST /agent/v1/credential`: write it down before using it; the old one lives an hour more."""

    credential: str
    broker_url: str
    key_prefix: str
    queue: str


@dataclass(frozen=True)
class Heartbeat(Message):
    """`POST /agent/v1/heartbeat` each HEARTBEAT_S."""

    process: dict[str, Any]
    environment_hash: str
    environment: dict[str, Any] | None = None
    """sent when its hash differs from what the server answered last, or at start"""
    reading: dict[str, float] = field(default_factory=dict)
    """system/cpu_percent, system/memory_bytes, system/gpu_percent, …; key as in the metric store"""
    address: str = ""
    """where other ranks reach this device"""
    fabric_interface: str = ""
    last_ring: float = 0.0
    """Unix time of the last doorbell heard (test rings too)"""
    data: list[str] = field(default_factory=list)
    """hashes of prepared data that lie on this device, verified"""
    replaces: dict[str, Any] = field(default_factory=dict)
    """identity of the agent before this one, which the sender has seen to be gone: it takes over at once"""


@dataclass(frozen=True)
class HeartbeatAnswer(Message):
    server_time: float
    wanted: str
    """online or draining"""
    environment_hash: str
    """of the environment that the server holds; send yours when it differs"""


@dataclass(frozen=True)
class Assignment(Message):
    """One attempt or errand that this device should be doing now. `GET /agent/v1/assignments` lists them."""

    kind: str
    """attempt or errand"""
    id: int
    """of the attempt (or errand)"""
    fence: int
    job: int
    """0 for an errand without a job"""
    number: int
    """of the attempt, 1, 2, …"""
    rank: int
    world_size: int
    spec: dict[str, Any]
    """the job spec, defaults filled in; for an errand its payload lies under `errand`"""
    data: dict[str, Any]
    """prepared data to have before the start: {hash, manifest}; {} when none is needed"""
    more_data: list[dict[str, Any]] = field(default_factory=list)
    """further prepared data, likewise: of another dataset that a model is asked about beside its own"""
    model: dict[str, Any] = field(default_factory=dict)
    """files of the base model: {files: [{name, sha256, bytes}]}, with the {hash} of a registered one, under which the
    device keeps them; {} when it starts from a preset
    """
    errand: dict[str, Any] = field(default_factory=dict)
    """{kind: preflight|evaluate, …}"""
    wanted: str = "run"
    deadline: float = 0.0
    """Unix time by which an errand must have answered; 0 for none"""
    batch_devices: int = 0
    """how many devices' batches make a global batch; 0 = world_size. An attempt that goes on with fewer keeps it"""

    @property
    def ids(self) -> dict[str, int]:
        """What a log line about it names (`contract/logs.py`)."""
        return {"job": self.job, self.kind: self.id, "rank": self.rank}


@dataclass(frozen=True)
class Assignments(Message):
    assignments: list[dict[str, Any]]
    prepare: list[dict[str, Any]] = field(default_factory=list)
    """prepared data that a user wants here ahead of any job: {hash, manifest}"""


@dataclass(frozen=True)
class Acknowledge(Message):
    """`POST /agent/v1/ack` (rule R5): nothing else lives here, the old spool is delivered, these checkpoints hold."""

    kind: str
    id: int
    fence: int
    checkpoints: list[dict[str, Any]] = field(default_factory=list)
    """each: step, manifest_sha256, bytes; newest last"""


@dataclass(frozen=True)
class LeaseRequest(Message):
    """`POST /agent/v1/lease` each HEARTBEAT_S, and at once when something below changes."""

    kind: str
    id: int
    fence: int
    supervisor: dict[str, Any]
    rank_process: dict[str, Any]
    port: int = 0
    """rank 0: the port of the bound socket on which it will serve the rendezvous"""
    address: str = ""
    stage: str = ""
    activity: str = ""
    """"", preparing_data, checkpointing, evaluating, exporting, uploading"""
    progress: float = 0.0
    """of `activity`, 0 to 1"""
    step: int = 0
    peer_lost: bool = False


@dataclass(frozen=True)
class LeaseAnswer(Message):
    seconds_left: float
    wanted: str
    """run, drain, cancel or stop"""
    rendezvous: dict[str, Any] | None = None
    """{host, port, id}; None until every device has acknowledged and rank 0 has told its port"""
    resume_step: int | None = None
    """step of the checkpoint to go on from, 0 for the beginning; None until chosen"""
    checkpoint: dict[str, Any] = field(default_factory=dict)
    """{files: [{name, sha256, bytes}]} of that checkpoint, for a device that does not hold it; {} otherwise"""
    kill: str = ""
    """a failure tried on purpose: kill the "rank", or the "agent" of this device, with a mark of the order behind a
    colon; told several times, to be done once
    """


@dataclass(frozen=True)
class PostEvents(Message):
    """`POST /agent/v1/events`: whole batches (`events.Batch`) in order, at most 2 MiB together."""

    kind: str
    id: int
    fence: int
    batches: list[dict[str, Any]]


@dataclass(frozen=True)
class StoredBatches(Message):
    """Answer of `GET` and `POST /agent/v1/events`: the number of the last stored batch; go on from the next one."""

    last_batch: int


@dataclass(frozen=True)
class ExitReport(Message):
    """`POST /agent/v1/exit`. `gone` says that no process of it is left on the device."""

    kind: str
    id: int
    fence: int
    outcome: str
    """succeeded, failed, drained or cancelled"""
    reason: str = ""
    """an `EndReason`; "" for a success"""
    params: dict[str, Any] = field(default_factory=dict)
    exit_code: int | None = None
    last_batch: int = 0
    gone: bool = False
    answer: dict[str, Any] = field(default_factory=dict)
    """what an errand found out"""


@dataclass(frozen=True)
class Go(Message):
    """`go.json`: what a waiting rank needs to begin."""

    rank: int
    world_size: int
    rendezvous: dict[str, Any]
    resume_step: int
    data_dir: str
    model_dir: str
    checkpoints_dir: str
    interface: str = ""
    more_data_dirs: list[str] = field(default_factory=list)
    """of the assignment's `more_data`, in that order"""


@dataclass(frozen=True)
class Progress(Message):
    """`progress.json`: the rank's sign of life. Times are monotonic seconds of the host."""

    stage: str
    step: int
    at: float
    budget: float
    """seconds within which the next sign must come before the watchdog's grace begins"""
    activity: str = ""
