"""Puts together what a training needs, from the job spec and the proved data."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from contract.agent_calls import Go
from training import optimizers
from training.augmentation import Augment, augmentation_of
from training.checkpoint_files import Contents
from training.checkpoints import Checkpoints
from training.data import Data
from training.evaluate import Evaluator
from training.inputs import FromPixels, example, from_prepared
from training.loss_scale import LossScale
from training.methods import choose_what_learns, rates_by_layer
from training.model_config import model_config
from training.model_files import config_of
from training.models.group_norm import without_batch_norm
from training.models.source import WEIGHTS, StartModel, start_model
from training.pace import FACTS, Pace
from training.parallel import strategy_of
from training.parallel.exchange import exchange_over
from training.parallel.strategy import Place, Strategy
from training.plan import Plan
from training.privacy import NoPrivacy, Privacy, guard_of
from training.privacy.poisson import PoissonSampler
from training.privacy.private_ddp import PrivateDataParallel
from training.random_state import seed_rank
from training.rank import Rank
from training.recompute import recompute_blocks
from training.rendezvous import Group
from training.sampler import Sampler
from training.speed import for_training, precision_of

WISHES = ("drain", "cancel", "save", "seconds")
"""the end of the tail that rides with the gradients: what any rank wants, and rank 0's clock"""


@dataclass(frozen=True)
class Parts:
    """What a training is made of."""

    data: Data
    model: FromPixels
    forward: Callable[[torch.Tensor], torch.Tensor]
    """the model as the training loop calls it"""
    precision: torch.dtype | None
    """of forward passes; None: fp32"""
    loss_scale: LossScale
    optimizer: torch.optim.Optimizer
    plan: Plan
    sampler: Sampler
    pace: Pace
    method: Strategy
    evaluator: Evaluator
    checkpoints: Checkpoints
    group: Group
    augment: Augment | None
    """what the recipe does to batches of the train split"""
    config: dict[str, Any]
    """what config.json says: enough to build the net again"""
    privacy: NoPrivacy


def sampler_and_plan(rank: Rank, manifest: dict[str, Any], world_size: int) -> tuple[Sampler, Plan]:
    """Which samples at which step, and how many steps; needs no data but its manifest."""
    training, splits = rank.spec["training"], manifest["splits"]
    strategy = strategy_of(rank.spec["parallel"]["strategy"], world_size)
    alike, batch_size = strategy.same_samples, training["per_device_train_batch_size"]
    sampler = (PoissonSampler if rank.spec["security"].get("dp") else Sampler)(
        splits.get("train", {}).get("count", 0),
        batch_size=batch_size,
        rank=0 if alike else rank.assignment.rank,
        world_size=1 if alike else world_size,
        seed=training["seed"],
        accumulation=training["gradient_accumulation_steps"],
        batch_devices=rank.assignment.batch_devices or world_size,
        pass_size=strategy.pass_size(batch_size),
    )
    validates = splits.get("validation", {}).get("count", 0) > 0
    return sampler, Plan.of(training, sampler, validates=validates)


@dataclass(frozen=True)
class Begun:
    """A model before its first step here, and what it goes on from (None: from the beginning)."""

    model: FromPixels
    config: dict[str, Any]
    """what config.json says: enough to build the net again"""
    checkpoints: Checkpoints
    contents: Contents | None = None


def begin_model(rank: Rank, data: Data, go: Go, group: Group, *, resumes: bool = True) -> Begun:
    """Build the model with the weights of the seed, the source job or the checkpoint of step `go.resume_step`."""
    start = start_model(rank.spec, data.manifest, data.task.outputs, Path(go.model_dir))
    rank.reporter.choice("start", start.preset["source"], start.note)
    preset = _private_preset(rank, start) if rank.spec["security"].get("dp") else start.preset
    model = from_prepared(data.manifest, start.net).to(rank.device)
    choose_what_learns(model.model, rank.spec["method"], start.new)
    checkpoints = Checkpoints(rank, Path(go.checkpoints_dir), group)
    contents = checkpoints.resume(go.resume_step) if resumes else None
    if contents:
        model.model.load_state_dict(contents.tensors[WEIGHTS])
    config = config_of(model_config(rank.spec, preset, data.manifest, data.task), model.model)
    return Begun(model, config, checkpoints, contents)


def _private_preset(rank: Rank, start: StartModel) -> dict[str, Any]:
    """The preset of a net whose answer for one sample depends on no other."""
    replaced = without_batch_norm(start.net)
    if not replaced:
        return start.preset
    reason = "batch norm mixes samples; other programs that know this architecture will not load these weights"
    rank.reporter.choice("group norm", f"in place of {replaced} batch norms", reason)
    return start.preset | {"norm": "group"}


def put_together(rank: Rank, data: Data, begun: Begun, group: Group, sampler: Sampler, plan: Plan) -> Parts:
    """Share the model among ranks; its optimizer, and the exchange between ranks."""
    training, model = rank.spec["training"], begun.model
    layer_decay = rank.spec["method"].get("layer_decay", 1.0)
    tail = 2 + len(data.task.step_keys) + FACTS * group.world_size + len(WISHES)
    batch = example(data.manifest, training["per_device_train_batch_size"], rank.device)
    exchange = partial(exchange_over, group=group, tell=rank.reporter.choice)
    place = Place(group, rank.device, rank.spec["parallel"], plan, batch, tail, exchange)
    privacy = guard_of(rank, group, sampler, plan, begun.contents)
    method = _shared(rank, model, place, sampler, privacy)
    if training["gradient_checkpointing"]:
        recompute_blocks(getattr(method.module, "model", method.module))
    seed_rank(training["seed"], 0 if method.same_samples else group.rank)
    return Parts(
        data=data,
        model=model,
        forward=for_training(rank, method.module, batch),
        precision=(precision := precision_of(rank)),
        loss_scale=LossScale(precision is torch.float16),
        optimizer=optimizers.build(training, method.parameters, rates_by_layer(model.model, layer_decay)),
        plan=plan,
        sampler=sampler,
        pace=Pace(group.rank, group.world_size),
        method=method,
        evaluator=Evaluator(data, model, training["per_device_eval_batch_size"], rank.device),
        checkpoints=begun.checkpoints,
        group=group,
        augment=augmentation_of(data.manifest, training["seed"], 0 if method.same_samples else group.rank),
        config=begun.config,
        privacy=privacy,
    )


def _shared(rank: Rank, model: FromPixels, place: Place, sampler: Sampler, privacy: NoPrivacy) -> Strategy:
    """The model as ranks share it; in private training cut into passes that its samples' gradients fit into."""
    if not isinstance(privacy, Privacy) or not isinstance(sampler, PoissonSampler):
        return strategy_of(rank.spec["parallel"]["strategy"], place.group.world_size)(model, model.model, place)
    method = PrivateDataParallel(model, model.model, place, privacy)
    sampler.passes_of(method.clipping.rows)
    if method.clipping.fallen_back_for:
        reason = f"Opacus has no rule for {method.clipping.fallen_back_for}: slower, and as exact"
        rank.reporter.choice("gradients of single samples", "one sample at a time", reason)
    return method
