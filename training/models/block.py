"""A transformer block, normalised before each part: attention over places, then two dense layers at each place."""

from typing import Any

import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention

HEAD_WIDTH = 16
"""wished for; a width that it does not divide gets one head"""
WIDER = 4


class Block(nn.Module):
    """float32 [n, L, width] → the same. No dropout and no statistics of the batch."""

    def __init__(self, width: int):
        super().__init__()
        self._heads = width // HEAD_WIDTH if width % HEAD_WIDTH == 0 else 1
        self.before_attention = nn.LayerNorm(width)
        self.ask = nn.Linear(width, 3 * width)
        self.answer = nn.Linear(width, width)
        self.before_dense = nn.LayerNorm(width)
        self.dense = nn.Sequential(nn.Linear(width, WIDER * width), nn.GELU(), nn.Linear(WIDER * width, width))

    def forward(self, places: Any) -> Any:
        return self.of(places)

    def of(self, places: torch.Tensor, may_see: torch.Tensor | None = None) -> torch.Tensor:
        """`may_see`: bool [n, 1, L or 1, L], which places each place looks at; None = all."""
        places = places + self._attend(self.before_attention(places), may_see)
        return places + self.dense(self.before_dense(places))

    def _attend(self, places: torch.Tensor, may_see: torch.Tensor | None) -> torch.Tensor:
        parts = self.ask(places).unflatten(2, (3, self._heads, -1)).permute(2, 0, 3, 1, 4)
        seen = scaled_dot_product_attention(parts[0], parts[1], parts[2], attn_mask=may_see)
        return self.answer(seen.transpose(1, 2).flatten(2))


def dense_layers(body: nn.ModuleList) -> dict[str, str]:
    """The dense layers of all blocks in `body`, as tensor parallelism cuts them: by columns, then by rows."""
    ways = ((0, "column"), (2, "row"))
    return {f"body.{place}.dense.{layer}": way for place in range(len(body)) for layer, way in ways}
