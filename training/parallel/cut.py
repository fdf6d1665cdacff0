"""Where a net can be cut. Nets say it themselves: `blocks()` names submodules that, one after the other, are the
forward pass; `tensor_plan()` says which linear layers are cut by columns and which by rows."""

from itertools import accumulate
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from contract.reasons import EndReason
from training.failures import Failure


def check_cut(strategy: str, net: nn.Module, ranks: int, inputs: torch.Tensor) -> None:
    """Raise Failure (impossible) when `net` cannot be shared among `ranks` in this way. `inputs`: what it takes."""
    if ranks > 1 and strategy == "tensor":
        tensor_plan_of(net, ranks)
    if ranks > 1 and strategy == "pipeline":
        stages_of(net, ranks, inputs)


def blocks_of(net: nn.Module) -> list[str]:
    """Raises Failure for a net that says nothing of blocks."""
    named = _said_by(net, "blocks")
    if named is None:
        sentence = "this net cannot be cut into layers that follow each other: choose ddp or fsdp instead of pipeline"
        raise Failure(EndReason.IMPOSSIBLE, sentence)
    return named


def tensor_plan_of(net: nn.Module, ranks: int) -> dict[str, str]:
    """Raises Failure for a net that says nothing of it, or whose widths do not divide by `ranks`."""
    plan = _said_by(net, "tensor_plan")
    if not plan:
        sentence = "this net says of no layer how to cut it across devices: choose ddp or fsdp instead of tensor"
        raise Failure(EndReason.IMPOSSIBLE, sentence)
    for name, way in plan.items():
        layer: Any = net.get_submodule(name)
        width = layer.out_features if way == "column" else layer.in_features
        if width % ranks:
            sentence = f"layer {name} is {width} wide, which {ranks} devices cannot share evenly: choose a multiple"
            raise Failure(EndReason.IMPOSSIBLE, sentence)
    return plan


def units_of(net: nn.Module) -> list[nn.Module]:
    """Submodules with parameters that make good shards: the blocks, else the elements of lists, else the children."""
    if blocks := _said_by(net, "blocks"):
        found = [net.get_submodule(name) for name in blocks]
    else:
        lists = [module for module in net.modules() if isinstance(module, nn.ModuleList)]
        found = [element for each in lists for element in each] or list(net.children())
    return [unit for unit in found if any(True for _ in unit.parameters())]


def _said_by(net: nn.Module, what: str) -> Any:
    """What the net's method `what` gives; None when it has none."""
    say: Any = getattr(net, what, None)
    return say() if say else None


def stages_of(net: nn.Module, ranks: int, inputs: torch.Tensor) -> list[list[str]]:
    """Blocks per rank, each at least one with weights, so that the dearest stage costs as little as can be.

    `inputs`: what the first block takes. Cost is counted in operations, which does not depend on the device.
    """
    parts = _parts(net, inputs)
    if len(parts) < ranks:
        sentence = f"this net has {len(parts)} layers with weights, too few for {ranks} devices in a pipeline"
        raise Failure(EndReason.IMPOSSIBLE, sentence)
    limit = min(limit for limit in _sums([cost for _, cost in parts]) if _packs(parts, ranks, limit))
    stages: list[list[str]] = [[]]
    used, left = 0, len(parts)
    for names, cost in parts:
        full = stages[-1] and used + cost > limit
        if full or (stages[-1] and left <= ranks - len(stages)):
            stages.append([])
            used = 0
        stages[-1] += names
        used, left = used + cost, left - 1
    return stages


def _parts(net: nn.Module, inputs: Any) -> list[tuple[list[str], int]]:
    """Blocks with the operations that each takes, those without weights joined to the one before (or after)."""
    parts: list[tuple[list[str], int]] = []
    weights_before = True
    with torch.no_grad():
        for name in blocks_of(net):
            block = net.get_submodule(name)
            with FlopCounterMode(display=False) as counter:
                inputs = block(inputs)
            has_weights = any(True for _ in block.parameters())
            names, cost = parts.pop() if parts and not (has_weights and weights_before) else ([], 0)
            weights_before = has_weights or (weights_before and bool(names))
            parts.append(([*names, name], cost + counter.get_total_flops()))
    return parts


def _sums(costs: list[int]) -> set[int]:
    """Every sum of neighbours."""
    return {total for start in range(len(costs)) for total in accumulate(costs[start:])}


def _packs(parts: list[tuple[list[str], int]], ranks: int, limit: int) -> bool:
    """Whether so many stages of at most `limit` are enough."""
    stages, used = 1, 0
    for _, cost in parts:
        if cost > limit:
            return False
        stages, used = (stages, used + cost) if used + cost <= limit else (stages + 1, cost)
    return stages <= ranks
