"""Group norm in place of batch norm, whose statistics mix the samples of a batch (Wu & He, 2018, arXiv 1803.08494)."""

import math

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

GROUPS = 32
"""at most, as in the paper"""


def without_batch_norm(net: nn.Module) -> int:
    """Put a new group norm wherever `net` has a batch norm; how many there were."""
    found = [(name, layer) for name, layer in net.named_modules() if isinstance(layer, _BatchNorm)]
    for name, layer in found:
        parent, _, child = name.rpartition(".")
        channels = layer.num_features
        setattr(net.get_submodule(parent), child, nn.GroupNorm(math.gcd(GROUPS, channels), channels, layer.eps))
    return len(found)
