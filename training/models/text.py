"""Two small transformers over tokens, from scratch: one reads a whole text, the other says what comes next."""

from typing import Any

import torch
from torch import nn

from training.models.block import Block, dense_layers


class TextEncoder(nn.Module):
    """Input int32 [n, L] tokens, filled up with `pad`; output [n, outputs]: the mean of all places that are a token."""

    def __init__(self, shape: list[int], outputs: int, text: dict[str, Any], width: int = 64, depth: int = 2):
        super().__init__()
        self.words = Words(text, width, shape[-1])
        self.body = nn.ModuleList(TextBlock(width) for _ in range(depth))
        self.norm = MeanOfTokens(width)
        self.head = nn.Linear(width, outputs)
        self.register_load_state_dict_pre_hook(_renamed)

    def blocks(self) -> list[str]:
        """Submodules that one after the other are the forward pass."""
        return ["words", *(f"body.{place}" for place in range(len(self.body))), "norm", "head"]

    def tensor_plan(self) -> dict[str, str]:
        """How linear layers are cut across devices: the dense ones, not those of attention."""
        return dense_layers(self.body)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        passed = self.words(tokens)
        for block in self.body:
            passed = block(passed)
        return self.head(self.norm(passed))


class LanguageModel(nn.Module):
    """Input int32 [n, L] tokens, or [n, 2, L] (tokens over the number of their document, 0 = padding) where several
    short texts share a row; output [n, L, outputs]: at each place the logits of the token that follows it."""

    def __init__(self, shape: list[int], outputs: int, text: dict[str, Any], width: int = 128, depth: int = 3):
        super().__init__()
        self.words = WordsOfDocuments(text, width, shape[-1])
        self.body = nn.ModuleList(DocumentBlock(width) for _ in range(depth))
        self.norm = LastNorm(width)
        self.head = nn.Linear(width, outputs)
        self.register_load_state_dict_pre_hook(_renamed)

    def blocks(self) -> list[str]:
        """Submodules that one after the other are the forward pass."""
        return ["words", *(f"body.{place}" for place in range(len(self.body))), "norm", "head"]

    def tensor_plan(self) -> dict[str, str]:
        """How linear layers are cut across devices: the dense ones, not those of attention."""
        return dense_layers(self.body)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        passed = self.words(tokens)
        for block in self.body:
            passed = block(passed)
        return self.head(self.norm(passed))


Passed = tuple[torch.Tensor, torch.Tensor]
"""what goes from block to block: float32 [n, L, width], and which places are a token (bool [n, L]) or which document
each belongs to (int32 [n, L])"""


def _renamed(net: nn.Module, weights: dict[str, torch.Tensor], prefix: str, *_: object) -> None:
    """Weights of a version in which places were counted by the net itself."""
    if f"{prefix}position" in weights:
        weights[f"{prefix}words.position"] = weights.pop(f"{prefix}position").flatten(0, -2)


class Words(nn.Embedding):
    """Each token as numbers, and its place as numbers added to them."""

    def __init__(self, text: dict[str, Any], width: int, length: int):
        super().__init__(text["vocabulary"], width)
        self._pad = int(text["pad"])
        self.position = nn.Parameter(torch.randn(length, width) * 0.02)

    def forward(self, tokens: torch.Tensor) -> Passed:  # type: ignore[override]
        return super().forward(tokens) + self.position[: tokens.shape[-1]], tokens != self._pad


class WordsOfDocuments(Words):
    """The same where places are counted in each document."""

    def forward(self, tokens: torch.Tensor) -> Passed:  # type: ignore[override]
        tokens, documents, place = tokens_and_documents(tokens, self._pad)
        return nn.Embedding.forward(self, tokens) + self.position[place], documents


class TextBlock(Block):
    """Every token sees every other."""

    def forward(self, passed: Passed) -> Passed:
        places, there = passed
        may_see = there[:, None, None] | ~there.any(1)[:, None, None, None]  # an empty text sees its padding
        return self.of(places, may_see), there


class DocumentBlock(Block):
    """Every token sees those before it in its document."""

    def forward(self, passed: Passed) -> Passed:
        places, documents = passed
        return self.of(places, earlier_of_the_same(documents)), documents


class MeanOfTokens(nn.LayerNorm):
    """Places normalised, then the mean of those that are a token, [n, width]."""

    def forward(self, passed: Passed) -> torch.Tensor:  # type: ignore[override]
        places, there = passed
        weight = there[..., None].to(places.dtype)
        return (super().forward(places) * weight).sum(1) / weight.sum(1).clamp(min=1.0)


class LastNorm(nn.LayerNorm):
    def forward(self, passed: Passed) -> torch.Tensor:  # type: ignore[override]
        return super().forward(passed[0])


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
