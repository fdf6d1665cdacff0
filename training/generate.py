"""What a language model says after a prompt: at each place the likeliest token, until it ends or the row is full."""

import time
from collections.abc import Callable

import torch
from torch import nn

MOST_TOKENS = 256
LONGEST_S = 30.0
"""whatever was said by then is the answer"""


def generate(
    model: nn.Module, prompt: torch.Tensor, length: int, end: int | None, still_here: Callable[[], None]
) -> list[int]:
    """The tokens that follow `prompt` (int32 [1, k]) in a row of at most `length`, without the one that ends it."""
    row, deadline = prompt, time.monotonic() + LONGEST_S
    room = min(length - prompt.shape[1], MOST_TOKENS)
    while row.shape[1] < prompt.shape[1] + room and time.monotonic() < deadline:
        said = model(row)[:, -1].argmax(-1)
        if int(said) == end:
            break
        row = torch.cat([row, said[:, None].to(row.dtype)], 1)
        still_here()
    return row[0, prompt.shape[1] :].tolist()
