"""What happens to inputs in the world: five severities of each kind. To add one: write its function and register it.

Every function takes inputs [n, …] as prepared, a severity from 1 to 5, the data's manifest and a seeded generator,
and gives inputs of the same shape and type.
"""

from collections.abc import Callable

import torch

from training.corruptions import pictures, tables, texts

Corruption = Callable[..., torch.Tensor]
SEVERITIES = (1, 2, 3, 4, 5)
KINDS: dict[str, dict[str, Corruption]] = {
    "image": {
        "noise": pictures.noise,
        "blur": pictures.blur,
        "brightness": pictures.brightness,
        "jpeg": pictures.jpeg,
    },
    "text": {"dropped_words": texts.dropped_words, "typos": texts.typos},
    "table": {"noise": tables.noise, "missing": tables.missing},
}
