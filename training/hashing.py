"""SHA-256 of tensors: equal hashes mean equal bits."""

import hashlib
from collections.abc import Mapping

import torch


def hash_of(tensors: Mapping[str, torch.Tensor]) -> str:
    """Over names, types, shapes and values, in order of name."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
