"""The largest batch that a device has memory for, found by trying."""

import gc
import time
from collections.abc import Callable
from dataclasses import replace

import torch

from contract.reasons import EndReason
from training.failures import Ending
from training.memory_bound import keep_to_what_is_free
from training.rank import Rank

BATCH = "per_device_train_batch_size"
FINE_ENOUGH = 8
"""the search ends when the batch that fits is within an eighth of one that does not"""
LONGEST_S = 30.0
"""of searching: somebody looks at the page"""


def within_memory(rank: Rank, try_it: Callable[[], Ending]) -> Ending:
    """What `try_it` ends with, in no more memory than is free; when that is not enough, `fits` in its answer is the
    batch per device that would do (0: not even one sample does)."""
    keep_to_what_is_free(rank.device)
    ending = try_it()
    if ending.answer.get("reason") != EndReason.OUT_OF_MEMORY:
        return ending
    asked, deadline = rank.spec, time.monotonic() + LONGEST_S

    def fits(batch: int) -> bool | None:
        if time.monotonic() > deadline:
            return None
        _let_go_of_memory()
        rank.spec = asked | {"training": asked["training"] | {BATCH: batch}}
        return try_it().answer.get("reason") != EndReason.OUT_OF_MEMORY

    found = largest_fitting(asked["training"][BATCH], fits)
    rank.spec = asked
    return ending if found is None else replace(ending, answer=ending.answer | {"fits": found})


def largest_fitting(batch: int, fits: Callable[[int], bool | None]) -> int | None:
    """The largest batch below `batch` (which does not fit) that `fits`, to an eighth; 0 when not even one sample does.

    Halves until one fits, then looks between that and the last that did not. `fits` answers None to end the search:
    the best that was found counts, None when nothing was.
    """
    too_many, enough = batch, 0
    while enough == 0 and too_many > 1:
        found = fits(too_many // 2)
        if found is None:
            return None
        enough, too_many = (too_many // 2, too_many) if found else (0, too_many // 2)
    while enough and too_many - enough > max(1, enough // FINE_ENOUGH):
        middle = (enough + too_many) // 2
        found = fits(middle)
        if found is None:
            break
        enough, too_many = (middle, too_many) if found else (enough, middle)
    return enough


def _let_go_of_memory() -> None:
    """What a failed try held is free for the next one."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
