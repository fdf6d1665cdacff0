"""Two small transformers over tokens, from scratch: one reads a whole text, the other says what comes next."""

from typing import Any

import torch
from torch import nn

from training.models.block import Block, dense_layers


class TextEncoder(nn.Module):
    """Input int32 [n, L] tokens, filled up with `pad`; output [n, outputs]: the mean of all places that are a token."""

    def __init__(self, shape: list[int], outputs: int, text: dict[str, Any], width: int = 64, depth: int = 2):
        super().__init__()
        self._pad = int(text["pad"])
        self.words = nn.Embedding(text["vocabulary"], width)
        self.position = nn.Parameter(torch.randn(1, shape[-1], width) * 0.02)
        self.body = nn.ModuleList(Block(width) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, outputs)

    def tensor_plan(self) -> dict[str, str]:
        """How linear layers are cut across devices: the dense ones, not those of attention."""
        return dense_layers(self.body)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        there = tokens != self._pad
        places = self.words(tokens) + self.position[:, : tokens.shape[-1]]
        may_see = there[:, None, None] | ~there.any(1)[:, None, None, None]  # an empty text sees its padding
        for block in self.body:
            places = block(places, may_see)
        weight = there[..., None].to(places.dtype)
        return self.head((self.norm(places) * weight).sum(1) / weight.sum(1).clamp(min=1.0))


class LanguageModel(nn.Module):
    """Input int32 [n, L] tokens, or [n, 2, L] (tokens over the number of their document, 0 = padding) where several
    short texts share a row; output [n, L, outputs]: at each place the logits of the token that follows it."""

    def __init__(self, shape: list[int], outputs: int, text: dict[str, Any], width: int = 128, depth: int = 3):
        super().__init__()
        self._pad = int(text["pad"])
        self.words = nn.Embedding(text["vocabulary"], width)
        self.position = nn.Parameter(torch.randn(shape[-1], width) * 0.02)
        self.body = nn.ModuleList(Block(width) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, outputs)

    def tensor_plan(self) -> dict[str, str]:
        """How linear layers are cut across devices: the dense ones, not those of attention."""
        return dense_layers(self.body)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        tokens, documents, place = tokens_and_documents(tokens, self._pad)
        places = self.words(tokens) + self.position[place]
        may_see = earlier_of_the_same(documents)
        for block in self.body:
            places = block(places, may_see)
        return self.head(self.norm(places))


def tokens_and_documents(tokens: torch.Tensor, pad: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Tokens, number of the document and place in it, [n, L] each; a row that is not packed is one document."""
    if tokens.ndim == 3:
        return tokens[:, 0], tokens[:, 1], places_in_documents(tokens[:, 1])
    place = torch.arange(tokens.shape[1], device=tokens.device).expand(tokens.shape)
    return tokens, (tokens != pad).to(torch.int32), place


def places_in_documents(documents: torch.Tensor) -> torch.Tensor:
    """How far each place is from the beginning of its document, int64 [n, L]."""
    place = torch.arange(documents.shape[1], device=documents.device).expand(documents.shape)
    before = torch.nn.functional.pad(documents[:, :-1], (1, 0), value=-1)
    return place - torch.where(documents != before, place, 0).cummax(1).values


def earlier_of_the_same(documents: torch.Tensor) -> torch.Tensor:
    """Which places each place sees: itself and earlier ones of its document, bool [n, 1, L, L]."""
    length = documents.shape[1]
    earlier = torch.ones(length, length, dtype=torch.bool, device=documents.device).tril()
    return (earlier & (documents[:, :, None] == documents[:, None]))[:, None]
