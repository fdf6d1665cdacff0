"""How good the answers are: every metric of the task over the whole split."""

import math
from typing import Any

import torch

from training.suites.subject import Subject


def quality(subject: Subject) -> dict[str, Any]:
    """metrics (name → number), details (what the task can tell beyond numbers)"""
    task = subject.data.task
    tallies = []
    for batch in torch.arange(len(subject.rows)).split(subject.batch_size):
        inputs, targets = task.collate(subject.rows, batch)
        tallies.append(task.tally_exported(subject.answers(inputs), targets))
        subject.still_here()
    joined = torch.cat(tallies) if task.tallies_are_rows else torch.stack(tallies).sum(0)
    metrics = {name: value for name, value in task.metrics(joined).items() if math.isfinite(value)}
    return {"metrics": metrics, "details": task.details(joined)}
