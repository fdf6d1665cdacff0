"""Shared by strategies whose parameters are torch's distributed tensors: whole from parts, and parts from whole."""

from collections.abc import Mapping

import torch
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.tensor import DTensor, distribute_tensor

from training.parallel.replicated import copied
from training.parallel.sharded import Sharded
from training.parallel.strategy import Pieces, Place


class DistributedTensors(Sharded):
    def gathered(self, pieces: Mapping[str, torch.Tensor]) -> Pieces:
        with torch.no_grad():
            return copied({name: _full(tensor) for name, tensor in pieces.items()})

    def piece(self, name: str, whole: torch.Tensor) -> torch.Tensor:
        """What is not shaped like the parameter, such as a step count, every rank holds."""
        placed, like = whole.to(self._place.device), self.pieces()[name]
        if not isinstance(like, DTensor) or whole.shape != like.shape:
            return placed if whole.ndim else whole
        return distribute_tensor(placed, like.device_mesh, like.placements, src_data_rank=None)


def mesh_of(place: Place) -> DeviceMesh:
    """All ranks in one row."""
    return DeviceMesh(place.device.type, list(range(place.group.world_size)))


def _full(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor
