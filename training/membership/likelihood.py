"""LiRA, the likelihood ratio attack (Carlini et al., 2022, arXiv 2112.03570): what would the loss of a sample be had
the model learnt it, and had it not? Shadow models, each of which learnt a random half of all samples, tell."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from training import optimizers
from training.membership.scores import batches, confidence
from training.outputs import to_float
from training.tasks import Task

SHADOWS = 16
SECONDS = 240.0
"""that all shadow models together may take"""
TRIED_STEPS = 5


class TooSlow(Exception):
    """The shadow models do not fit the time; the sentence says how long they would take."""


@dataclass(frozen=True)
class Pool:
    """Samples of which nobody is told whether they are members: inputs and targets, on the device."""

    task: Task
    inputs: torch.Tensor
    targets: torch.Tensor

    @classmethod
    def of(cls, task: Task, parts: list[tuple[Any, torch.Tensor]], device: torch.device) -> "Pool":
        """`parts`: (split, rows int64), one after the other."""
        read = [next(batches(task, split, rows, max(len(rows), 1), device)) for split, rows in parts]
        return cls(task, torch.cat([inputs for inputs, _ in read]), torch.cat([targets for _, targets in read]))

    def __len__(self) -> int:
        return len(self.targets)


def ratios(
    pool: Pool,
    target: np.ndarray,
    fresh: Callable[[int], nn.Module],
    training: dict[str, Any],
    still_here: Callable[[], None],
) -> np.ndarray:
    """Log likelihood ratio of each sample of the pool, float64 [n]: the higher, the rather it was learnt.

    `target`: losses of the model that is asked about. `fresh(n)`: the n-th shadow model before its first step.
    Raises TooSlow.
    """
    chance = torch.Generator().manual_seed(training["seed"])
    learnt = np.zeros((SHADOWS, len(pool)), dtype=bool)
    said = np.zeros((SHADOWS, len(pool)))
    for number in range(SHADOWS):
        half = torch.randperm(len(pool), generator=chance)[: len(pool) // 2]
        shadow = fresh(number)
        _learn(shadow, pool, half, training, chance, still_here)
        learnt[number, half.numpy()] = True
        said[number] = confidence(_losses(shadow, pool))
        still_here()
    return log_ratio(confidence(target), said, learnt)


def log_ratio(target: np.ndarray, said: np.ndarray, learnt: np.ndarray) -> np.ndarray:
    """[n] of confidences [n] and those of shadow models [m, n], with which of them learnt what (bool [m, n]).

    Means are each sample's own; one variance for all, as the authors advise for few shadow models.
    """
    with_it, without = np.ma.array(said, mask=~learnt), np.ma.array(said, mask=learnt)
    inside, outside = with_it.mean(0), without.mean(0)
    spread_in = float(((with_it - inside) ** 2).mean()) + 1e-6
    spread_out = float(((without - outside) ** 2).mean()) + 1e-6
    ratio = (target - outside) ** 2 / spread_out - (target - inside) ** 2 / spread_in
    return np.asarray(np.ma.filled(ratio, 0.0) / 2)


def _learn(
    net: nn.Module,
    pool: Pool,
    rows: torch.Tensor,
    training: dict[str, Any],
    chance: torch.Generator,
    still_here: Callable[[], None],
) -> None:
    """As the job did, as far as that matters: its optimizer, rate and batch, and as many looks at each sample."""
    parameters = {name: parameter for name, parameter in net.named_parameters() if parameter.requires_grad}
    optimizer = optimizers.build(training, parameters)
    for group in optimizer.param_groups:
        group["lr"] = training["learning_rate"] * group.get("rate_factor", 1.0)
    size = min(training["per_device_train_batch_size"], len(rows))
    steps = _steps(training, len(rows), size)
    net.train()
    began = time.monotonic()
    for step in range(steps):
        if step == TRIED_STEPS:
            _must_fit((time.monotonic() - began) / TRIED_STEPS * steps * SHADOWS)
        if step % max(1, len(rows) // size) == 0:
            order = rows[torch.randperm(len(rows), generator=chance)]
            still_here()
        start = step % max(1, len(rows) // size) * size
        part = order[start : start + size]
        loss, weight = pool.task.loss(to_float(net(pool.inputs[part])), pool.targets[part])
        optimizer.zero_grad(set_to_none=True)
        (loss / weight).backward()
        optimizer.step()
    net.eval()


def _steps(training: dict[str, Any], rows: int, size: int) -> int:
    epochs = training["epochs"]
    return max(1, round(epochs * rows / size))


def _must_fit(seconds: float) -> None:
    if seconds > SECONDS:
        raise TooSlow(f"{SHADOWS} shadow models would take about {seconds:.0f} s, {SECONDS:.0f} s are allowed")


def _losses(net: nn.Module, pool: Pool) -> np.ndarray:
    with torch.no_grad():
        outputs = torch.cat([to_float(net(part)) for part in pool.inputs.split(256)])
        rows = [pool.task.loss(outputs[row : row + 1], pool.targets[row : row + 1]) for row in range(len(pool))]
    return np.array([float(loss) / max(weight, 1e-9) for loss, weight in rows])
