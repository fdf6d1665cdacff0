"""How many steps there are, and at which of them a look, a save or a point is due."""

import math
from dataclasses import dataclass
from typing import Any

from training.sampler import Sampler
from training.schedules import Course, learning_rate


@dataclass(frozen=True)
class Plan:
    training: dict[str, Any]
    """that part of the job spec"""
    total_steps: int
    steps_per_epoch: int
    eval_every: int
    """0 = never: the data has no validation split"""

    @classmethod
    def of(cls, training: dict[str, Any], sampler: Sampler, *, validates: bool) -> "Plan":
        """The plan of a spec's `training` over this sampler's split."""
        epoch = sampler.steps_per_epoch
        total = training["max_steps"] if training["max_steps"] > 0 else math.ceil(training["num_train_epochs"] * epoch)
        eval_every = min(training["eval_steps"] or epoch, total) if validates else 0
        return cls(training, total, epoch, eval_every)

    def cadences(self, train_keys: tuple[str, ...], eval_keys: tuple[str, ...]) -> dict[str, int]:
        """Steps between two points of each key; `eval_keys` without eval/."""
        cadences = dict.fromkeys(train_keys, self.training["logging_steps"])
        if self.eval_every:
            cadences |= {f"eval/{key}": self.eval_every for key in eval_keys}
        return cadences

    def learning_rate(self, step: int) -> float:
        training = self.training
        warmup = training["warmup_steps"] or math.ceil(self.total_steps * training["warmup_ratio"])
        course = Course(training["learning_rate"], warmup, self.total_steps, training["lr_scheduler_kwargs"])
        return learning_rate(training["lr_scheduler_type"], step, course)

    def evaluates(self, step: int) -> bool:
        return self.eval_every > 0 and step % self.eval_every == 0

    def must_save(self, step: int) -> bool:
        """Whether a checkpoint is due at `step` whatever the clock says: by wish, and at the end."""
        by_wish = self.training["save_steps"] > 0 and step % self.training["save_steps"] == 0
        return by_wish or step == self.total_steps

    def may_save(self, step: int) -> bool:
        """Whether an epoch ends here and saves are due by epoch."""
        return self.training["save_steps"] == 0 and step % self.steps_per_epoch == 0
