"""The errand `fleet-speed`: real short trainings, first on each device alone, then on all of them together."""

import copy
import dataclasses
import time
from collections.abc import Callable
from typing import Any

import torch

from contract.agent_calls import Go
from training.assembly import WISHES, Begun, Parts, begin_model, put_together, sampler_and_plan
from training.data import Data
from training.failures import Ending, answer_of
from training.preprocess import open_data, prove_data
from training.rank import Rank
from training.rendezvous import Door, Group, come_together, form_group
from training.step import take_step

MEET_S = 120.0
WARM_STEPS = 5
"""the first ones load, choose kernels and touch memory; they do not count"""
WINDOWS, WINDOW_S = 3, 1.0
"""so often is measured, for about so long"""
MOST_STEPS = 2_000
PART_S = 120.0


def fleet_speed(rank: Rank, go: Go, door: Door) -> Ending:
    """answer: ok, alone and together (None without others): {samples_per_second: [one a window], steps, batch,
    loss_first, loss_last}; or ok, reason, detail."""
    return answer_of(lambda: _measured(rank, go, door))


def _measured(rank: Rank, go: Go, door: Door) -> dict[str, Any]:
    data = prove_data(rank, open_data(go), Group(0, 1))
    group = Group(0, 1)
    if go.world_size > 1:
        rank.sign.enter("meet", PART_S)
        group = form_group(go, come_together(go, door, rank.still_waiting, MEET_S), rank.device, door.reach)
    alone: dict[str, Any] = {}
    for turn in range(go.world_size):
        rank.sign.enter("alone", PART_S)
        if turn == go.rank:
            alone = _training(_as_only(rank), data, go, Group(0, 1), lambda steps: steps)
        group.meet(rank.still_waiting)
    if go.world_size == 1:
        return {"alone": alone, "together": None}
    rank.sign.enter("together", PART_S)
    together = _training(rank, data, go, group, lambda steps: _agreed(group, steps))
    group.barrier()
    return {"alone": alone, "together": together}


def _as_only(rank: Rank) -> Rank:
    """The same process as the one rank of a training of its own."""
    only = copy.copy(rank)
    only.assignment = dataclasses.replace(rank.assignment, rank=0, world_size=1)
    return only


def _training(rank: Rank, data: Data, go: Go, group: Group, agreed: Callable[[int], int]) -> dict[str, Any]:
    """Samples a second of all ranks of `group` in each window. `agreed` makes all ranks do the same number of steps."""
    begun: Begun = begin_model(rank, data, go, Group(0, 1), resumes=False)
    parts = put_together(rank, data, begun, group, *sampler_and_plan(rank, data.manifest, group.world_size))
    parts.model.train()
    losses, seconds, _samples = _steps(parts, rank, range(1, WARM_STEPS + 1))
    steps = agreed(min(MOST_STEPS, max(1, round(WINDOW_S * WARM_STEPS / seconds))))
    rates, first = [], losses[0]
    for window in range(WINDOWS):
        begin = 1 + WARM_STEPS + window * steps
        losses, seconds, samples = _steps(parts, rank, range(begin, begin + steps))
        rates.append(samples / seconds)
    facts = {"samples_per_second": rates, "steps": WINDOWS * steps, "batch": parts.sampler.global_batch}
    return facts | {"loss_first": first, "loss_last": losses[-1]}


def _steps(parts: Parts, rank: Rank, numbers: range) -> tuple[list[float], float, int]:
    losses, samples, began = [], 0, time.perf_counter()
    for number in numbers:
        step = take_step(parts, number, (0.0,) * len(WISHES), rank.device)
        losses.append(step.loss)
        samples += step.samples
        rank.still_waiting()
    return losses, time.perf_counter() - began, samples


def _agreed(group: Group, steps: int) -> int:
    """What rank 0 thinks right."""
    return int(group.tell(torch.tensor([float(steps)]), 0)[0])
