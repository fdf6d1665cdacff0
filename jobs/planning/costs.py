"""What a job costs in seconds and bytes on given devices. Plain arithmetic, no database.

Constants were measured with the CPU build of torch on two cores (docs/performance.md); what this fleet has measured
itself comes in through `Machine` and `Work` and wins.
"""

import math
from dataclasses import dataclass, field

PROCESS_BYTES = 300 * 2**20
"""of a rank without a model: torch itself"""
STATE_BYTES = 16
"""of a parameter that learns: weight, gradient and two numbers of the optimizer, 4 bytes each"""
MEMORY_USED = 0.9
"""of a device's memory that is planned with"""
SHARED_MEMORY_S, SHARED_MEMORY_PER_PARAMETER_S = 5e-5, 1.4e-9
"""of an exchange between ranks of one host"""
NETWORK_S, NETWORK_BYTES_PER_S = 2e-3, 100e6
"""of an exchange between hosts, until this fleet has measured its own: an ordinary 1 Gbit/s network"""
GLOO_S, GLOO_PER_PARAMETER_S = 1.5e-3, 2.7e-9
"""of a collective over gloo on one host"""
GATHERS = 3
"""collectives of all weights in a step of fsdp: twice gathered, once scattered"""
MICRO_BATCHES = 4
"""of a pipeline"""


@dataclass(frozen=True)
class Machine:
    """A device as the planner sees it."""

    slug: str
    host: str
    sample_seconds: float
    """of reading and computing one sample of the batch that was asked for"""
    memory_bytes: int = 0
    """0 = not known"""
    kind: str = "cpu"


@dataclass(frozen=True)
class Work:
    """What is to be done, whoever does it."""

    samples: int
    batch: int
    """per device and optimizer step, accumulation included"""
    epochs: float = 1.0
    max_steps: int = 0
    parameters: int = 0
    peak_bytes: int = 0
    """of a process that held all of the model and one batch; 0 = not known"""
    batch_bytes: int = 0
    """of that, what grows with the batch"""
    sync_every: int = 100
    evaluations_per_step: float = 0.0
    validation_samples: int = 0
    test_samples: int = 0
    evaluated_sample_seconds: float = 0.0
    """of one sample without learning"""
    start_seconds: float = 2.0
    export_seconds: float = 2.0
    prepare_seconds: float = 0.0
    link_bytes_per_s: float = NETWORK_BYTES_PER_S

    def steps(self, devices: int) -> int:
        if self.max_steps > 0:
            return self.max_steps
        return math.ceil(math.ceil(self.samples / (self.batch * devices)) * self.epochs) if self.samples else 0


@dataclass(frozen=True)
class Way:
    """How to share the model among which devices."""

    strategy: str
    machines: tuple[Machine, ...]
    shares: str = "even"

    @property
    def slugs(self) -> list[str]:
        return [machine.slug for machine in self.machines]


@dataclass(frozen=True)
class Cost:
    """Seconds by part of a job, and the bytes that it needs on each device."""

    parts: dict[str, float] = field(default_factory=dict)
    """start, prepare, train, evaluate, export"""
    steps: int = 0
    step_seconds: float = 0.0
    exchange_seconds: float = 0.0
    """of each step"""
    samples_per_second: float = 0.0
    memory: int = 0
    """on the device that needs most; 0 = not known"""
    fits: bool = True

    @property
    def seconds(self) -> float:
        return sum(self.parts.values())


def cost(work: Work, way: Way) -> Cost:
    """What `work` costs done in this `way`."""
    world = len(way.machines)
    steps, exchange = work.steps(world), exchange_seconds(work, way)
    step = compute_seconds(work, way) + exchange
    slowest = max(machine.sample_seconds for machine in way.machines)
    looked_at = work.evaluated_sample_seconds or slowest / 3
    validation = steps * work.evaluations_per_step * work.validation_samples * looked_at / world
    memory = needed_bytes(work, way)
    return Cost(
        parts={
            "start": work.start_seconds,
            "prepare": work.prepare_seconds,
            "train": steps * step + validation,
            "evaluate": work.test_samples * looked_at,
            "export": work.export_seconds,
        },
        steps=steps,
        step_seconds=step,
        exchange_seconds=exchange,
        samples_per_second=work.batch * world / step if step else 0.0,
        memory=memory,
        fits=all(_has_room(machine, memory) for machine in way.machines),
    )


def compute_seconds(work: Work, way: Way) -> float:
    """Of a step, without the exchange."""
    paces, world = [machine.sample_seconds for machine in way.machines], len(way.machines)
    if world > 1 and way.strategy == "tensor":
        return work.batch * max(paces)
    if world > 1 and way.strategy == "pipeline":
        return work.batch * max(paces) * (1 + (world - 1) / MICRO_BATCHES)
    if way.shares == "measured":
        return work.batch * world / sum(1 / pace for pace in paces)
    return work.batch * max(paces)


def exchange_seconds(work: Work, way: Way) -> float:
    """Of a step on average: what ranks pass each other, and the wait for it."""
    world = len(way.machines)
    if world == 1:
        return 0.0
    one_host = len({machine.host for machine in way.machines}) == 1
    if way.strategy in ("fsdp", "tensor", "pipeline"):
        whole = GLOO_S + GLOO_PER_PARAMETER_S * work.parameters if one_host else _over_network(work, world)
        return GATHERS * whole
    in_memory = SHARED_MEMORY_S + SHARED_MEMORY_PER_PARAMETER_S * work.parameters
    once = in_memory if one_host else _over_network(work, world)
    return once / work.sync_every if way.strategy == "local-sgd" else once


def _over_network(work: Work, world: int) -> float:
    """A ring sends twice all but one part of the bytes."""
    return NETWORK_S + 2 * 4 * work.parameters * (world - 1) / world / work.link_bytes_per_s


def needed_bytes(work: Work, way: Way) -> int:
    """On each device, at the most."""
    if not work.peak_bytes:
        return 0
    world = len(way.machines)
    if world == 1 or way.strategy in ("ddp", "local-sgd"):
        return work.peak_bytes
    return round(work.peak_bytes - STATE_BYTES * work.parameters * (1 - 1 / world))


def fitting_batch(work: Work, memory_bytes: int) -> int:
    """The largest power of two of samples that fits into so much memory; 0 when not even one does or nothing is
    known."""
    if not work.batch_bytes or not memory_bytes:
        return 0
    room = MEMORY_USED * memory_bytes - (work.peak_bytes - work.batch_bytes)
    most = math.floor(room * work.batch / work.batch_bytes)
    return 2 ** int(math.log2(most)) if most >= 1 else 0


def _has_room(machine: Machine, needed: int) -> bool:
    return not needed or not machine.memory_bytes or needed <= MEMORY_USED * machine.memory_bytes
