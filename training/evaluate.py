"""Stage 4, and the looks at the validation split on the way: metrics of a split from sums over its batches."""

from collections.abc import Callable

import torch
from torch import nn

from contract.events import EventType
from contract.faults import fault
from training.data import Data
from training.models.source import WEIGHTS
from training.outputs import to_float
from training.rank import Rank
from training.rendezvous import Group

STAGE = "evaluate"
BATCH_S = 60.0
"""a batch in which no sign of life can be given"""


class Evaluator:
    """Runs `model` (inputs as prepared) over splits of `data`. `still_here()` is called after every batch."""

    def __init__(self, data: Data, model: nn.Module, batch_size: int, device: torch.device):
        self._data = data
        self._model = model
        self._batch_size = batch_size
        self._device = device

    def alone(self, split: str, still_here: Callable[[], None]) -> dict[str, float]:
        """Metrics of the whole split, measured on this device."""
        return self._data.task.metrics(self._tally(split, 0, len(self._data.splits[split]), still_here))

    def together(self, split: str, group: Group, still_here: Callable[[], None]) -> dict[str, float]:
        """The same metrics, each rank having looked at its part of the split."""
        fault("evaluate")
        count = len(self._data.splits[split])
        first, last = (count * rank // group.world_size for rank in (group.rank, group.rank + 1))
        tally = self._tally(split, first, last, still_here)
        group.meet(still_here)
        joined = group.rows(tally) if self._data.task.tallies_are_rows else group.sum(tally)
        return self._data.task.metrics(joined)

    def first(self, split: str, samples: int) -> None:
        """Look at so many of the first samples, to know how long that takes."""
        self._tally(split, 0, samples, lambda: None)

    def _tally(self, split: str, first: int, last: int, still_here: Callable[[], None]) -> torch.Tensor:
        was_training = self._model.training
        self._model.eval()
        with torch.inference_mode():
            total = self._tally_of(split, torch.arange(first, min(last, first + self._batch_size)))
            for start in range(first + self._batch_size, last, self._batch_size):
                more = self._tally_of(split, torch.arange(start, min(last, start + self._batch_size)))
                total = torch.cat([total, more]) if self._data.task.tallies_are_rows else total + more
                still_here()
        self._model.train(was_training)
        return total

    def _tally_of(self, split: str, rows: torch.Tensor) -> torch.Tensor:
        task = self._data.task
        inputs, targets = task.collate(self._data.splits[split], rows)
        outputs = to_float(self._model(inputs.to(self._device)))
        return task.tally(outputs, targets.to(self._device)).cpu()


def evaluate_result(rank: Rank, evaluator: Evaluator, samples: int, step: int) -> dict[str, float]:
    """Measure the result on the split that the job names, on this device alone; every metric that the job asks for."""
    wanted = rank.spec["evaluation"]
    rank.sign.enter(STAGE, BATCH_S, "evaluating")
    rank.reporter.stage(STAGE, "began", step)
    measured = evaluator.alone(wanted["split"], rank.still_here)
    metrics = {name: value for name, value in measured.items() if name in {*wanted["metrics"], "loss"}}
    facts = {"metrics": metrics, "samples": samples, "split": wanted["split"]}
    rank.reporter.event(EventType.EVALUATION, step, artifact=WEIGHTS, **facts)
    rank.reporter.stage(STAGE, "ended", step, **facts)
    return metrics
