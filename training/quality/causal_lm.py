"""The next token: perplexity, tokens that are right, answers of which every token is right."""

import math
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from training.quality.bootstrap import ratio
from training.quality.exam import Exam, Report, joined, worst_first
from training.tasks.causal_lm import IGNORED, LARGEST_EXPONENT


class CausalLMExam(Exam):
    """Answers are logits [n, L, V]; targets int32 [n, L], IGNORED where none is wanted. Only sums a row are kept."""

    def __init__(self, *facts: Any):
        super().__init__(*facts)
        self._sums: list[torch.Tensor] = []
        self._answers: list[int] = []

    def take(self, exported: torch.Tensor, targets: torch.Tensor) -> None:
        said, wanted = exported[:, :-1].float(), targets[:, 1:].long()
        surprise = cross_entropy(said.flatten(0, 1), wanted.flatten(), reduction="none", ignore_index=IGNORED)
        counted, tokens = wanted != IGNORED, said.argmax(2)
        right = (tokens == wanted) & counted
        loss = surprise.reshape(wanted.shape).double().sum(1)
        exact = (right | ~counted).all(1)
        self._sums.append(torch.stack([loss, counted.sum(1).double(), right.sum(1).double(), exact.double()], 1))
        told = (tokens * counted).int().numpy()
        self._answers += [zlib.crc32(row.tobytes()) & 0x7FFFFFFF for row in told]

    def headline(self) -> dict[str, Any]:
        _loss, tokens, right, _exact = joined(self._sums).T
        value = float(right.sum() / max(tokens.sum(), 1))
        return self.bootstrap(len(tokens)).interval(value, lambda drawn: ratio(drawn, right, tokens))

    def report(self, still_here: Callable[[], None]) -> Report:
        loss, tokens, right, exact = joined(self._sums).T
        rows, metrics, intervals = np.ones(len(loss)), {}, {}
        for name, metric in {
            "token_accuracy": lambda drawn: ratio(drawn, right, tokens),
            "perplexity": lambda drawn: math.exp(min(ratio(drawn, loss, tokens), LARGEST_EXPONENT)),
            "exact_match": lambda drawn: ratio(drawn, exact, rows),
            "loss": lambda drawn: ratio(drawn, loss, tokens),
        }.items():
            metrics[name] = metric(rows)
            intervals[name] = self.bootstrap(len(loss)).interval(metrics[name], metric)
            still_here()
        mean = loss / np.maximum(tokens, 1)
        columns = {"answer": np.array(self._answers, np.int64), "loss": mean, "score": right, "weight": tokens}
        return Report(metrics, intervals, {"worst": worst_first(mean)}, columns)
