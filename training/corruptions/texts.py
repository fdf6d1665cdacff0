"""Texts as tokens int32 [n, L] with padding behind. Where tokens are bytes, words end at a space; where they are pieces
of a model's vocabulary, a piece counts as a word. What begins and ends a text stays."""

from typing import Any

import torch

SHARES = (0.05, 0.1, 0.2, 0.3, 0.4)
"""of the words (dropped) or letters (mistyped)"""
SPECIAL_BYTES = 4
"""tokens below are no bytes"""
LETTERS = (ord("a") + SPECIAL_BYTES, ord("z") + SPECIAL_BYTES)
SPACE = ord(" ") + SPECIAL_BYTES


def dropped_words(
    inputs: torch.Tensor, severity: int, manifest: dict[str, Any], generator: torch.Generator
) -> torch.Tensor:
    text, changed = manifest["text"], torch.full_like(inputs, manifest["text"]["pad"])
    for row, into in zip(inputs, changed, strict=True):
        words = _words(row, text)
        drawn = torch.rand(int(words.max()) + 1, generator=generator) < SHARES[severity - 1]
        kept = row[~(drawn[words] & _changeable(row, text))]
        into[: len(kept)] = kept
    return changed


def typos(inputs: torch.Tensor, severity: int, manifest: dict[str, Any], generator: torch.Generator) -> torch.Tensor:
    """Letters (or pieces) that are others, drawn at random."""
    text, changed = manifest["text"], inputs.clone()
    drawn = torch.rand(inputs.shape, generator=generator) < SHARES[severity - 1]
    first, last = LETTERS if _is_bytes(text) else (text["pad"] + 1, text["vocabulary"] - 1)
    others = torch.randint(first, last + 1, inputs.shape, generator=generator, dtype=inputs.dtype)
    hit = drawn & _changeable(inputs, text)
    changed[hit] = others[hit]
    return changed


def _is_bytes(text: dict[str, Any]) -> bool:
    return text.get("tokenizer", {}).get("kind") == "bytes"


def _words(row: torch.Tensor, text: dict[str, Any]) -> torch.Tensor:
    """The number of the word that each token belongs to."""
    return (row == SPACE).int().cumsum(0) if _is_bytes(text) else torch.arange(len(row))


def _changeable(tokens: torch.Tensor, text: dict[str, Any]) -> torch.Tensor:
    """Neither padding nor what begins or ends a text."""
    if _is_bytes(text):
        return tokens >= SPECIAL_BYTES
    inside = tokens != text["pad"]
    places = torch.arange(tokens.shape[-1]).expand(tokens.shape)
    last = inside.sum(-1, keepdim=True) - 1
    return inside & (places > 0) & (places < last)
