"""One optimizer step: gradients of this rank's samples, one exchange with the others, one update."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from training.assembly import WISHES, Parts
from training.outputs import as_tuple, to_float

NO_ROWS = torch.zeros(1, dtype=torch.int64)
"""row 0 stands in where a rank has to run a pass for the others' sake"""


@dataclass(frozen=True)
class Step:
    """What a step was: means over the global batch, seconds of this rank, and what any rank wished for."""

    number: int
    loss: float
    counted: tuple[float, ...]
    """one mean per key of the task's `step_keys`"""
    learning_rate: float
    gradient_norm: float
    """before clipping"""
    seconds: float
    read_seconds: float
    wait_seconds: float
    """in the exchange, waiting for other ranks included"""
    samples: int
    """of all ranks"""
    wishes: dict[str, float]
    """sums over ranks, by the names in WISHES"""

    @property
    def points(self) -> tuple[float, ...]:
        """In the order of `point_keys`."""
        compute = self.seconds - self.read_seconds - self.wait_seconds
        times = (self.seconds, self.read_seconds, compute, self.wait_seconds, self.samples / self.seconds)
        return (self.loss, *self.counted, self.learning_rate, self.gradient_norm, *times)


def point_keys(step_keys: tuple[str, ...]) -> tuple[str, ...]:
    """Metric keys of `Step.points` for a task with these `step_keys`."""
    times = ("step_seconds", "data_seconds", "compute_seconds", "wait_seconds", "samples_per_second")
    return tuple(f"train/{key}" for key in ("loss", *step_keys, "learning_rate", "gradient_norm", *times))


def take_step(parts: Parts, number: int, wishes: tuple[float, ...], device: torch.device) -> Step:
    """Do step `number`. With a loss that is not finite nothing is updated: the caller has to look at it.

    `wishes` in the order of WISHES. The sums come back as numbers, for which a GPU is waited for once a step.
    """
    began = time.perf_counter()
    read_seconds = _gradients(parts, number, device)
    ready = time.perf_counter()
    tail = parts.method.exchange((*parts.pace.tell(read_seconds, ready - began - read_seconds), *wishes))
    wait_seconds = time.perf_counter() - ready
    weight, loss, *counts = tail[: 2 + len(parts.data.task.step_keys)]
    if parts.method.apart:
        parts.pace.hear(tail[2 + len(counts) : -len(WISHES)], parts.sampler.counts(number), wait_seconds)
    rate = parts.plan.learning_rate(number)
    finite, counted = math.isfinite(loss), weight or 1.0  # a batch that is drawn by chance may be empty
    norm = _update(parts, weight, rate) if finite else math.nan
    return Step(
        number=number,
        loss=loss / counted,
        counted=tuple(count / counted for count in counts),
        learning_rate=rate,
        gradient_norm=norm,
        seconds=time.perf_counter() - began,
        read_seconds=read_seconds,
        wait_seconds=wait_seconds,
        samples=parts.sampler.global_size(number),
        wishes=dict(zip(WISHES, tail[-len(WISHES) :], strict=True)),
    )


def _gradients(parts: Parts, number: int, device: torch.device) -> float:
    """Put gradients and sums of this rank's part into place; the seconds that reading its samples took."""
    reading = Reading(parts, number, device)
    parts.method.begin(number)
    parts.method.learn(reading, partial(_forward, parts, device), partial(_loss, parts))
    return reading.seconds


class Reading:
    """The batches of a step, read when asked for; `seconds` that this took."""

    def __init__(self, parts: Parts, number: int, device: torch.device):
        self._parts, self._number, self._device = parts, number, device
        self.seconds = 0.0

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        task, split = self._parts.data.task, self._parts.data.splits["train"]
        pieces = self._parts.sampler.micro_batches(self._number, lockstep=self._parts.method.lockstep)
        for part, rows in enumerate(pieces):
            began = time.perf_counter()
            inputs, targets = task.collate(split, rows if len(rows) else NO_ROWS)
            inputs, targets = inputs.to(self._device), targets.to(self._device)
            if self._parts.augment:
                inputs, targets = self._parts.augment(inputs, targets, self._number, part)
            self.seconds += time.perf_counter() - began
            yield inputs, targets if len(rows) else None


def _forward(parts: Parts, device: torch.device, inputs: Any) -> Any:
    with torch.autocast(device.type, parts.precision, enabled=parts.precision is not None):
        return parts.forward(inputs)


def _loss(parts: Parts, outputs: Any, targets: Any) -> torch.Tensor:
    """The summed loss of a pass; its sums go into the tail. Without targets the pass counts for nothing."""
    task, outputs = parts.data.task, to_float(outputs)
    if targets is None:
        return torch.stack([part.sum() * 0.0 for part in as_tuple(outputs)]).sum()
    loss, weight = task.loss(outputs, targets)
    with torch.no_grad():
        parts.method.add(weight, loss, *task.step_sums(outputs, targets))
    return loss * parts.loss_scale.value if parts.loss_scale.is_on else loss


def _update(parts: Parts, weight: float, rate: float) -> float:
    """Turn summed gradients into their mean, clip it, take the step; the length of the mean before clipping.

    Gradients that a loss scale has made too large are thrown away.
    """
    limit = 0.0 if parts.privacy.samples else parts.plan.training["max_grad_norm"]
    weight = parts.privacy.samples or weight
    weight *= parts.loss_scale.value
    norm = parts.method.norm() / weight
    if not parts.loss_scale.bears(norm):
        parts.method.end()
        return norm
    clip = limit / (norm + 1e-6) if 0 < limit < norm else 1.0
    parts.method.scale(clip / weight)
    for group in parts.optimizer.param_groups:
        group["lr"] = rate * group["rate_factor"]
    parts.optimizer.step()
    parts.method.end()
    return norm
