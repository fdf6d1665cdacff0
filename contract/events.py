"""What a rank reports: batches of points, log lines and events, numbered 1, 2, … in its spool.

A batch is one JSON object on one line of the spool:

    {"batch": 7, "time": 1790000000.25, "frames": [Frame…], "log": [LogLine…], "events": [Event…]}

Times are Unix seconds (float). JSON has no NaN: a value that is not finite is the string "nan", "inf" or "-inf".
"""

import itertools
import json
import math
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

NOT_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


class EventType(StrEnum):
    STARTED = "started"
    """First event of a rank. data: pid, cadences {key: steps between points}, total_steps, steps_per_epoch."""
    STAGE = "stage"
    """data: stage (preprocess, compile, fine_tune, evaluate), state (began, ended), and what it proved:
    preprocess → data_hash, samples; compile → graph_hash, weights_hash, forward_hash, parameters;
    fine_tune → weights_hash, steps; evaluate → metrics {key: value}, samples; each that ended → seconds."""
    CHECKPOINT = "checkpoint"
    """data: step, directory name, manifest (files with bytes and sha256), manifest_sha256, bytes, seconds."""
    EVALUATION = "evaluation"
    """data: split, metrics {key: value}, samples, artifact."""
    ARTIFACT = "artifact"
    """data: name, format, bytes, sha256; or name, format, error (why it could not be made). Rank 0 only."""
    CHOICE = "choice"
    """A decision of the trainer, shown to the user. data: what, chosen, reason."""


@dataclass(frozen=True)
class Frame:
    """Points of several keys that share their steps: `len(steps) == len(times) == len(columns[key])`."""

    steps: list[int]
    times: list[float]
    columns: dict[str, list[float]]


@dataclass(frozen=True)
class LogLine:
    time: float
    level: str
    """debug, info, warning or error"""
    text: str


@dataclass(frozen=True)
class Event:
    type: str
    time: float
    step: int
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Batch:
    number: int
    time: float
    frames: list[Frame] = field(default_factory=list)
    log: list[LogLine] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def to_line(self) -> str:
        """The batch as one line of a spool, newline included."""
        frames = [
            {
                "steps": frame.steps,
                "times": [round(time, 3) for time in frame.times],
                "columns": {key: [_encoded(value) for value in values] for key, values in frame.columns.items()},
            }
            for frame in self.frames
        ]
        payload = {
            "batch": self.number,
            "time": self.time,
            "frames": frames,
            "log": [asdict(line) for line in self.log],
            "events": [asdict(event) for event in self.events],
        }
        return json.dumps(payload, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"

    @classmethod
    def from_json(cls, payload: dict) -> "Batch":
        """Read a batch that came from a device. Raises ValueError naming what is impossible about it."""
        try:
            return cls(
                number=_integer(payload["batch"]),
                time=float(payload["time"]),
                frames=[_frame(item) for item in payload.get("frames", [])],
                log=[LogLine(float(i["time"]), str(i["level"]), str(i["text"])) for i in payload.get("log", [])],
                events=[
                    Event(str(EventType(i["type"])), float(i["time"]), _integer(i["step"]), dict(i.get("data", {})))
                    for i in payload.get("events", [])
                ],
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"batch is not of the expected form: {error!r}") from error


def _frame(item: dict) -> Frame:
    steps = [_integer(step) for step in item["steps"]]
    times = [float(time) for time in item["times"]]
    columns = {str(key): [_decoded(value) for value in values] for key, values in item["columns"].items()}
    if not steps or len(times) != len(steps) or any(len(values) != len(steps) for values in columns.values()):
        raise ValueError("a frame needs as many times and values as steps, and at least one")
    if any(later <= earlier for earlier, later in itertools.pairwise(steps)) or steps[0] < 0:
        raise ValueError("the steps of a frame must rise from 0")
    return Frame(steps, times, columns)


def _integer(value) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**53:
        raise ValueError(f"{value!r} is not a whole number from 0")
    return value


def _encoded(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")


def _decoded(value) -> float:
    if isinstance(value, str):
        if value not in NOT_FINITE:
            raise ValueError(f"{value!r} is not a number")
        return NOT_FINITE[value]
    return float(value)
