"""The loss of every single sample, as an attacker who has the model can compute it."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import nn

from training.data import MappedSplit
from training.outputs import to_float
from training.tasks import Task


def losses(
    model: nn.Module, task: Task, split: MappedSplit, rows: torch.Tensor, size: int, still_here: Callable[[], None]
) -> np.ndarray:
    """float64 [n] of rows (int64 [n]) of `split`; `model` takes inputs as prepared, `size` of them at once."""
    device = next(model.parameters()).device
    found = []
    for inputs, targets in batches(task, split, rows, size, device):
        with torch.no_grad():
            outputs = to_float(model(inputs))
            for row in range(len(targets)):
                loss, weight = task.loss(outputs[row : row + 1], targets[row : row + 1])
                found.append(float(loss) / max(weight, 1e-9))
        still_here()
    return np.array(found)


def batches(
    task: Task, split: MappedSplit, rows: torch.Tensor, size: int, device: torch.device
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Inputs and targets of rows, `size` at once."""
    for part in rows.split(size):
        inputs, targets = task.collate(split, part)
        yield inputs.to(device), targets.to(device)


def confidence(losses_of: np.ndarray) -> np.ndarray:
    """log(p / (1 − p)) of the true answer's probability p = exp(−loss): nearly normal over models (LiRA, §IV-C)."""
    right = np.exp(-np.clip(losses_of, 1e-9, 60.0))
    return np.log(right) - np.log1p(-right)
