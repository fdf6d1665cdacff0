"""Tensor parallel: layers are cut across ranks by the net's `tensor_plan`; all ranks see the same samples.

What is not cut lies on every rank, which computes the same gradient for it.
"""

import torch
from torch import nn
from torch.distributed.tensor import DTensor
from torch.distributed.tensor.parallel import ColwiseParallel, ParallelStyle, RowwiseParallel, parallelize_module

from training.parallel.cut import tensor_plan_of
from training.parallel.distributed_tensors import DistributedTensors, mesh_of

STYLES: dict[str, type[ParallelStyle]] = {"column": ColwiseParallel, "row": RowwiseParallel}


class TensorParallel(DistributedTensors):
    same_samples = True

    def shard(self, model: nn.Module, net: nn.Module) -> tuple[nn.Module, nn.Module]:
        plan = _with_adapters(net, tensor_plan_of(net, self._place.group.world_size))
        parallelize_module(net, mesh_of(self._place), {name: STYLES[way]() for name, way in plan.items()})
        return model, net

    def add(self, *sums: float | torch.Tensor) -> None:
        """Every rank has the same sums: they count once."""
        if self._place.group.rank == 0:
            super().add(*sums)

    def share_of_norm(self, name: str) -> float:
        parameter = self.parameters[name]
        cut = isinstance(parameter, DTensor) and any(placement.is_shard() for placement in parameter.placements)
        return 1.0 if cut or self._place.group.rank == 0 else 0.0


def _with_adapters(net: nn.Module, plan: dict[str, str]) -> dict[str, str]:
    """Where LoRA put matrices beside a layer, the one that meets the cut side of the layer is cut like it."""
    whole = {}
    for name, way in plan.items():
        if not hasattr(net.get_submodule(name), "base_layer"):
            whole[name] = way
            continue
        whole[f"{name}.base_layer"] = way
        side = "lora_B" if way == "column" else "lora_A"
        whole |= {f"{name}.{side}.{adapter}": way for adapter in net.get_submodule(f"{name}.{side}")._modules}
    return whole
