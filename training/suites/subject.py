"""What every suite is given: one file of a job, ready to answer, and the data that it is asked about."""

import time
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import nn

from contract.agent_calls import Go
from contract.reasons import EndReason
from recipes.prepared import open_prepared
from training.data import Data, MappedSplit
from training.failures import Failure
from training.preprocess import verified
from training.rank import Rank
from training.reference import first_rows
from training.runners import Runner, TorchRunner, runner_of

FOREIGN_SPLITS = ("test", "validation", "train")
"""of another dataset: the first of them that has samples"""
LAST_SECONDS = 20.0
"""before an errand is over, in which nothing new is measured: what was found has to be told"""


class NotMeasured(Exception):
    """A suite does not fit this file or this data, or has no time left; the sentence says which."""


class Subject:
    """`path` is the file, `runner` what runs it, `split` the name of the rows that are asked about."""

    def __init__(self, rank: Rank, go: Go, data: Data):
        wanted = rank.assignment.errand
        self.rank, self.go, self.data = rank, go, data
        self.path, self.split = Path(go.model_dir) / wanted["artifact"], str(wanted["split"])
        self.of_other_data = bool(wanted.get("dataset"))
        """whether these are samples of another dataset than the model's own"""
        self.seed = int(rank.spec["training"]["seed"])
        if not data.splits.get(self.split):
            raise Failure(EndReason.BAD_DATA, f"the data has no samples in its split '{self.split}'")

    @cached_property
    def runner(self) -> Runner:
        """Raises Failure when nothing here runs the file."""
        return runner_of(self.path, self.rank, self.data)

    @property
    def rows(self) -> MappedSplit:
        """The samples that are asked about."""
        return self.data.splits[self.split]

    @property
    def train(self) -> MappedSplit:
        """The samples that the model learnt from. Raises NotMeasured where there are none."""
        if not self.data.splits.get("train"):
            raise NotMeasured("the data has no samples in its split 'train'")
        return self.data.splits["train"]

    def foreign(self) -> tuple[MappedSplit, str]:
        """Samples of the dataset that the model is asked to tell from its own, and their column of inputs.

        Raises NotMeasured with why there are none, and Failure for damaged data.
        """
        asked = self.rank.assignment.errand["foreign"]
        if "why" in asked:
            raise NotMeasured(asked["why"])
        prepared = open_prepared(Path(self.go.more_data_dirs[0]))
        verified(prepared, asked["hash"])
        split = next(prepared.split(name) for name in FOREIGN_SPLITS if name in prepared.splits)
        return MappedSplit(split), prepared.manifest["input"]["column"]

    @property
    def batch_size(self) -> int:
        return int(self.rank.spec["training"]["per_device_eval_batch_size"])

    @property
    def model(self) -> nn.Module:
        """The net itself (inputs as prepared, on the rank's device, in eval mode), for what needs gradients.

        Raises NotMeasured for a file that holds no weights of our nets.
        """
        if not isinstance(self.runner, TorchRunner):
            raise NotMeasured(f"{self.path.name} gives no gradients: choose model.safetensors")
        return self.runner.model

    def answers(self, inputs: torch.Tensor) -> Any:
        """What the task exports for these inputs [n, …] as prepared, on the CPU."""
        return self.runner(inputs)

    def first(self, rows: int) -> torch.Tensor:
        """Inputs of the first samples, at most so many."""
        return first_rows(self.data, self.split, rows)

    def still_here(self) -> None:
        """A sign of life between parts of the work. Raises NotMeasured when the errand's time is nearly over."""
        self.rank.still_here()
        deadline = self.rank.assignment.deadline
        if deadline and time.time() > deadline - LAST_SECONDS:
            raise NotMeasured("the time for this evaluation ran out")
