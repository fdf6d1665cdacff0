"""The next token, where the data says that it counts (the answers): cross-entropy, perplexity, exact answers."""

import math
from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from training.failures import BadData
from training.tasks.task import Rows, Task, rows_of

IGNORED = -100
"""a target that no loss is taken of"""
LARGEST_EXPONENT = 80.0
NOTHING = 1e-6
"""the weight of a batch that has nothing to learn: all of its answers were cut off"""


class CausalLM(Task):
    """Inputs int32 [n, L] tokens, or [n, 2, L] (tokens over the number of their document) where rows are packed.

    Targets int32 [n, L], unshifted: what stands at t is predicted from what stands before t.
    """

    step_keys = ("token_accuracy",)

    def __init__(self, manifest: dict[str, Any], training: dict[str, Any]):
        super().__init__(manifest, training)
        self._vocabulary = manifest["text"]["vocabulary"]
        self._smoothing = training.get("label_smoothing_factor", 0.0)

    @property
    def outputs(self) -> int:
        return self._vocabulary

    def check(self, name: str, split: Rows) -> None:
        targets = np.asarray(split.column(self._target))
        if targets.size and not IGNORED <= targets.min() <= targets.max() < self._vocabulary:
            row = int(np.argwhere((targets < IGNORED) | (targets >= self._vocabulary))[0][0])
            raise BadData(f"row {row} of {name} has a token outside of the vocabulary", split=name, row=row)
        if len(targets) and (targets == IGNORED).all():
            sentence = f"no row of {name} has an answer to learn: all are cut off, raise max_length"
            raise BadData(sentence, split=name, row=0)

    def collate(self, split: Rows, indices: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        tokens, targets = super().collate(split, indices)
        documents = rows_of(split, "segment", indices)
        packed = bool((documents > 1).any())
        return (torch.stack([tokens, documents], 1) if packed else tokens), targets

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, float]:
        """Weighed by tokens, so that every token of an answer counts the same."""
        said, wanted = _shifted(outputs, targets)
        total = cross_entropy(said, wanted, reduction="sum", ignore_index=IGNORED, label_smoothing=self._smoothing)
        return total, max(float((wanted != IGNORED).sum()), NOTHING)

    def step_sums(self, outputs: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, ...]:
        said, wanted = _shifted(outputs, targets)
        return ((said.argmax(1) == wanted).sum(),)

    def tally(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Summed loss, tokens, tokens that are right, rows, rows of which every token is right."""
        said, wanted = _shifted(outputs, targets)
        loss = cross_entropy(said, wanted, reduction="sum", ignore_index=IGNORED)
        counted = wanted != IGNORED
        right = (said.argmax(1) == wanted) & counted
        rows = (right | ~counted).reshape(targets[:, 1:].shape).all(1)
        sums = (loss, counted.sum(), right.sum(), len(targets), rows.sum())
        return torch.tensor([float(value) for value in sums], dtype=torch.float64)

    def metrics(self, tally: torch.Tensor) -> dict[str, float]:
        loss, tokens, right, rows, exact = tally.tolist()
        mean = loss / max(tokens, 1.0)
        return {
            "perplexity": math.exp(min(mean, LARGEST_EXPONENT)),
            "token_accuracy": right / max(tokens, 1.0),
            "exact_match": exact / max(rows, 1.0),
            "loss": mean,
        }

    def output_shape(self, name: str, shape: list[int]) -> list[int | str]:
        return [*shape, self._vocabulary]

    def predict(self, outputs: torch.Tensor) -> torch.Tensor:
        return outputs.argmax(-1)


def _shifted(outputs: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits [m, V] and the token that each of them should have said, int64 [m]."""
    return outputs[:, :-1].flatten(0, 1), targets[:, 1:].flatten().long()
