"""Puts together what a training needs, from the job spec and the proved data."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from contract.agent_calls import Go
from training import optimizers
from training.checkpoints import Checkpoints
from training.data import Data
from training.evaluate import Evaluator
from training.inputs import FromPixels, OnDeviceSteps
from training.model_config import model_config
from training.models import freeze_all_but_head
from training.models.source import start_model
from training.parallel import STRATEGIES
from training.parallel.ddp import DataParallel
from training.parallel.exchange import exchange_over
from training.plan import Plan
from training.random_state import seed_rank
from training.rank import Rank
from training.rendezvous import Group
from training.sampler import Sampler
from training.speed import for_training, uses_bf16

WISHES = ("drain", "cancel", "save", "seconds")
"""the end of the tail that rides with the gradients: what any rank wants, and rank 0's clock"""


@dataclass(frozen=True)
class Parts:
    """What a training is made of."""

    data: Data
    model: FromPixels
    forward: Callable[[torch.Tensor], torch.Tensor]
    """the model as the training loop calls it"""
    bf16: bool
    optimizer: torch.optim.Optimizer
    plan: Plan
    sampler: Sampler
    method: DataParallel
    evaluator: Evaluator
    checkpoints: Checkpoints
    group: Group
    config: dict[str, Any]
    """what config.json says: enough to build the net again"""


def sampler_and_plan(rank: Rank, manifest: dict[str, Any], world_size: int) -> tuple[Sampler, Plan]:
    """Which samples at which step, and how many steps; needs no data but its manifest."""
    training, splits = rank.spec["training"], manifest["splits"]
    sampler = Sampler(
        splits.get("train", {}).get("count", 0),
        batch_size=training["per_device_train_batch_size"],
        rank=rank.assignment.rank,
        world_size=world_size,
        seed=training["seed"],
        accumulation=training["gradient_accumulation_steps"],
    )
    validates = splits.get("validation", {}).get("count", 0) > 0
    return sampler, Plan.of(training, sampler, validates=validates)


def put_together(rank: Rank, data: Data, go: Go, group: Group, sampler: Sampler, plan: Plan) -> Parts:
    """Build the model (from the seed or the source job), its optimizer and the exchange between ranks."""
    training = rank.spec["training"]
    start = start_model(rank.spec, data.manifest, data.task.outputs, Path(go.model_dir))
    rank.reporter.choice("start", start.preset["source"], start.note)
    model = FromPixels(OnDeviceSteps(data.manifest["on_device"], data.shape), start.net).to(rank.device)
    if rank.spec["method"]["kind"] == "head":
        freeze_all_but_head(model.model)
    seed_rank(training["seed"], group.rank)
    dtype = getattr(torch, data.manifest["input"]["dtype"])
    batch = torch.zeros(training["per_device_train_batch_size"], *data.shape, dtype=dtype, device=rank.device)
    tail = 2 + len(data.task.step_keys) + len(WISHES)
    exchange = partial(exchange_over, group=group, tell=rank.reporter.choice)
    return Parts(
        data=data,
        model=model,
        forward=for_training(rank, model, batch),
        bf16=uses_bf16(rank),
        optimizer=optimizers.build(training, model.model),
        plan=plan,
        sampler=sampler,
        method=STRATEGIES[rank.spec["parallel"]["strategy"]](model, tail, exchange),
        evaluator=Evaluator(data, model, training["per_device_eval_batch_size"], rank.device),
        checkpoints=Checkpoints(rank, Path(go.checkpoints_dir), group),
        group=group,
        config=model_config(rank.spec, start.preset, data.manifest),
    )
