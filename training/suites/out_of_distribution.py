"""Whether the model shows that it is asked about something else: its scores for the data against those for noise, and
for another dataset.

Scores: the largest softmax (Hendrycks & Gimpel, 2017) and the energy (Liu et al., 2020): high where it is at home.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch

from training.failures import Failure
from training.quality.bootstrap import Bootstrap
from training.quality.ranking import Ranking
from training.suites.subject import NotMeasured, Subject
from training.tasks.classification import Classification
from training.tasks.task import rows_of

Scores = dict[str, np.ndarray]
"""by name [n]"""
MOST_ROWS = 1000
SCORES = ("max_softmax", "energy")
KEPT = 0.95
"""share of the data's own rows that a threshold lets through, for the share of noise that it lets through too"""


def out_of_distribution(subject: Subject) -> dict[str, Any]:
    """against, rows (of each side), scores (name → auroc with its interval, false_alarms at 95 % let through); and of
    another dataset, where one was named, foreign: dataset, rows, scores, or not_measured with why."""
    if not isinstance(subject.data.task, Classification):
        raise NotMeasured("only a task with one class a sample has scores to tell by")
    rows = torch.arange(min(MOST_ROWS, len(subject.rows)))
    known, generator = _scores(subject, _own(subject, rows)), torch.Generator().manual_seed(subject.seed)
    noise = _scores(subject, (_noise_like(inputs, subject, generator) for inputs in _own(subject, rows)))
    found = {"against": "noise", "rows": len(rows), "seed": subject.seed, "scores": _compared(subject, known, noise)}
    return found | _against_other_data(subject, known)


def _against_other_data(subject: Subject, known: Scores) -> dict[str, Any]:
    """That it cannot be shown is told beside what noise showed."""
    asked = subject.rank.assignment.errand.get("foreign")
    if asked is None:
        return {}
    try:
        found = _foreign(subject, known)
    except (NotMeasured, Failure) as why:
        found = {"not_measured": str(why)}
    return {"foreign": {"dataset": asked["dataset"], **found}}


def _foreign(subject: Subject, known: Scores) -> dict[str, Any]:
    split, column = subject.foreign()
    order = torch.randperm(len(split), generator=torch.Generator().manual_seed(subject.seed))
    rows = order[:MOST_ROWS].sort().values
    shown = _scores(subject, (rows_of(split, column, batch) for batch in rows.split(subject.batch_size)))
    return {"rows": len(rows), "scores": _compared(subject, known, shown)}


def _own(subject: Subject, rows: torch.Tensor) -> Iterator[torch.Tensor]:
    """Inputs of the samples that it is asked about, batch by batch."""
    return (subject.data.task.collate(subject.rows, batch)[0] for batch in rows.split(subject.batch_size))


def _scores(subject: Subject, batches: Iterable[torch.Tensor]) -> Scores:
    parts = []
    for inputs in batches:
        parts.append(subject.answers(inputs).double())
        subject.still_here()
    logits = torch.cat(parts)
    return {"max_softmax": logits.softmax(1).amax(1).numpy(), "energy": logits.logsumexp(1).numpy()}


def _compared(subject: Subject, known: Scores, foreign: Scores) -> dict[str, Any]:
    return {name: _told(known[name], foreign[name], subject.seed) for name in SCORES}


def _noise_like(inputs: torch.Tensor, subject: Subject, generator: torch.Generator) -> torch.Tensor:
    """Of the same shape and type: any bytes, any tokens, or values that spread as wide as the data's."""
    if inputs.dtype == torch.uint8:
        return torch.randint(0, 256, inputs.shape, generator=generator, dtype=torch.uint8)
    if inputs.dtype.is_floating_point:
        return (torch.rand(inputs.shape, generator=generator) * 2 - 1) * inputs.abs().amax(0)
    vocabulary = subject.data.manifest["text"]["vocabulary"]
    return torch.randint(0, vocabulary, inputs.shape, generator=generator, dtype=inputs.dtype)


def _told(known: np.ndarray, foreign: np.ndarray, seed: int) -> dict[str, Any]:
    there = np.arange(len(known) + len(foreign)) < len(known)
    ranking = Ranking(np.concatenate([known, foreign]), there)
    auroc = Bootstrap(len(there), seed).interval(ranking.area(), ranking.area)
    return {"auroc": auroc, "false_alarms": float((foreign >= np.quantile(known, 1 - KEPT)).mean())}
