"""Fully sharded data parallel: each rank holds a part of every weight, its gradient and its optimizer state.

torch's FSDP2 brings the weights of a layer together just before it runs and lets them go after it.
"""

from torch import nn
from torch.distributed.fsdp import FSDPModule, fully_shard

from training.parallel.cut import units_of
from training.parallel.distributed_tensors import DistributedTensors, mesh_of


class FullySharded(DistributedTensors):
    lockstep = True

    def shard(self, model: nn.Module, net: nn.Module) -> tuple[nn.Module, nn.Module]:
        mesh = mesh_of(self._place)
        for unit in units_of(net):
            fully_shard(unit, mesh=mesh)
        fully_shard(model, mesh=mesh)
        for module in model.modules():
            if isinstance(module, FSDPModule):
                module.set_gradient_divide_factor(1.0)  # the loop divides the sum by the weight of the global batch
                module.set_force_sum_reduction_for_comms(True)  # gloo knows no other
        return model, net
