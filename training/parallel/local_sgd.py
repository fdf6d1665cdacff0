"""Local SGD for slow links: ranks train on their own and meet only every so many steps, where they take the mean of
their weights (Stich, 2018, arXiv 1805.09767), each counted by the samples it saw since they met last.

With the outer optimizer `diloco` the mean is not taken as it is: the way that all have gone is a gradient for SGD with
Nesterov's momentum (Douillard et al., 2023, arXiv 2311.08105). Between meetings nothing at all is exchanged: losses
are those of one rank, and wishes (to drain, to save) wait for the next meeting. Ranks also meet where the shared model
is looked at: before an evaluation, a checkpoint that is due by its step, and the end.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import nn

from training.parallel.flat_buffer import FlatBuffer
from training.parallel.replicated import Replicated, copied, running_statistics, union
from training.parallel.strategy import Pieces, Place

OUTER_RATE, OUTER_MOMENTUM = 0.7, 0.9
"""as in the paper"""
OUTER = "outer"


class LocalSGD(Replicated):
    def __init__(self, model: nn.Module, net: nn.Module, place: Place):
        super().__init__(model, net, place)
        self._shared = [*(p.data for p in self.parameters.values()), *running_statistics(net)]
        self._learning = sum(parameter.numel() for parameter in self.parameters.values())
        size, ranks = sum(tensor.numel() for tensor in self._shared), place.group.world_size
        self._weights = FlatBuffer(size, [], 1, place.device, place.exchange_over, ranks)
        self._sums = FlatBuffer(0, [], place.tail, place.device, place.exchange_over, ranks)
        self._gradient = torch.zeros(self._learning, device=place.device)
        start = 0
        for parameter in self.parameters.values():
            parameter.grad = self._gradient[start : start + parameter.numel()].view_as(parameter)
            start += parameter.numel()
        self._seen = 0.0
        self._wishes: list[float] = []
        self._meets = False
        self._met = self._flat()
        self._momentum = torch.zeros(self._learning, device=place.device)
        self.bytes_per_step = 4 * size / place.options["sync_every"]

    def begin(self, step: int) -> None:
        plan = self._place.plan
        self._meets = step % self._place.options["sync_every"] == 0 or plan.must_save(step) or plan.evaluates(step)
        self._gradient.zero_()
        self._sums.zero()

    def add(self, *sums: float | torch.Tensor) -> None:
        self._sums.add(*sums)

    def exchange(self, last: Sequence[float]) -> list[float]:
        """Sums of this rank; the last numbers are those of all ranks where they meet, and 0 elsewhere."""
        own = self._sums.unshared([0.0] * len(last))
        self._seen += own[0]
        self._wishes = [max(pair) for pair in zip(last, self._wishes or last, strict=True)]
        if not self._meets:
            return own
        together = self._sums.exchange(self._wishes)[-len(last) :]
        self._wishes = []
        return own[: -len(last)] + together

    def norm(self) -> float:
        return float(torch.linalg.vector_norm(self._gradient))

    def scale(self, factor: float) -> None:
        self._gradient.mul_(factor)

    def end(self) -> None:
        if not self._meets:
            return
        self._weights.front.copy_(self._flat() * self._seen)
        total = self._weights.exchange([self._seen])[0]
        mean = self._weights.front / total
        self._met = self._outer_step(mean) if self._place.options["outer"] == "diloco" else mean
        start = 0
        for tensor in self._shared:
            tensor.copy_(self._met[start : start + tensor.numel()].view_as(tensor))
            start += tensor.numel()
        self._seen = 0.0

    def gathered_state(self, state: Mapping[str, torch.Tensor]) -> Pieces:
        """That of every rank under its number, for each goes its own way; and the outer momentum, one for all."""
        named = {f"{self._place.group.rank}/{path}": tensor for path, tensor in state.items()}
        return union(self._place.group, copied(named)) | {OUTER: self._momentum.detach().to("cpu", copy=True)}

    def state_pieces(self, whole: Mapping[str, torch.Tensor]) -> Pieces:
        self._met = self._flat()
        if OUTER in whole:
            self._momentum.copy_(whole[OUTER])
        return super().state_pieces(whole)

    def close(self) -> None:
        self._weights.close()
        self._sums.close()

    def _flat(self) -> torch.Tensor:
        return torch.cat([tensor.reshape(-1) for tensor in self._shared]).float()

    def _outer_step(self, mean: torch.Tensor) -> torch.Tensor:
        """What learns makes an outer step from where all met last; statistics of batches are the mean."""
        way = (self._met - mean)[: self._learning]
        self._momentum.mul_(OUTER_MOMENTUM).add_(way)
        gone = self._met[: self._learning] - OUTER_RATE * (way + OUTER_MOMENTUM * self._momentum)
        return torch.cat([gone, mean[self._learning :]])
