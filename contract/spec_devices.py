"""The part `devices` of a job spec: by number and need, or by name."""

from dataclasses import dataclass, field

from contract.problems import Problem, gettext_noop, unknown

KINDS = ("", "cpu", "cuda")
ELASTIC_STRATEGIES = ("ddp", "fsdp")
"""any number of ranks can go on from a checkpoint, which holds the whole state, and share the same global batch"""


@dataclass(frozen=True)
class Devices:
    """Which devices: so many of any (`count`) that are what is asked for, or just these (`ids`, slugs)."""

    count: int = 2
    ids: list[str] = field(default_factory=list)
    mode: str = "together"
    labels: list[str] = field(default_factory=list)
    """each device must carry all of them"""
    kind: str = ""
    """cpu or cuda; "" = either"""
    min_memory_bytes: int = 0

    @property
    def wanted(self) -> int:
        return len(self.ids) or self.count


def device_problems(devices: Devices, fewest: int, strategy: str) -> list[Problem]:
    """What cannot be had. `fewest`: the job's `schedule.min_devices`; `strategy`: its `parallel.strategy`."""
    problems = [] if devices.kind in KINDS else [unknown("devices.kind", devices.kind, KINDS[1:])]
    if len(set(devices.ids)) != len(devices.ids):
        problems.append(Problem("devices.ids", gettext_noop("Name each device once.")))
    if devices.ids and (devices.labels or devices.kind or devices.min_memory_bytes):
        sentence = gettext_noop("Name devices, or say what they must be like: not both.")
        problems.append(Problem("devices.ids", sentence))
    if fewest > devices.wanted:
        sentence = gettext_noop("%(value)s are more than the %(wanted)s devices asked for.")
        problems.append(Problem("schedule.min_devices", sentence, {"value": fewest, "wanted": devices.wanted}))
    if fewest and strategy not in ELASTIC_STRATEGIES:
        sentence = gettext_noop("Only %(built)s can go on with fewer devices. Set it to 0, or train with one of these.")
        problems.append(Problem("schedule.min_devices", sentence, {"built": ", ".join(ELASTIC_STRATEGIES)}))
    return problems
