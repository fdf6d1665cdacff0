"""The part `parallel` of a job spec: how devices share one model, and what does not go together with it."""

from dataclasses import dataclass
from typing import Any

from contract.problems import Problem, gettext_noop, unknown

STRATEGIES = ("ddp", "fsdp", "tensor", "pipeline", "local-sgd")
STRATEGIES_BUILT = STRATEGIES
SHARES = ("even", "measured")
OUTER = ("mean", "diloco")
WHOLE_MODEL = ("ddp", "local-sgd")
"""every device holds all of the model"""
PART_OF_BATCH = ("ddp", "fsdp", "local-sgd")
"""every device sees its own part of each batch"""
BATCH = "training.per_device_train_batch_size"


@dataclass(frozen=True)
class Parallel:
    strategy: str = "ddp"
    sync_every: int = 100
    """local-sgd: steps between two meetings of the ranks"""
    outer: str = "mean"
    """local-sgd: what is made of the ranks' models where they meet: their mean, or a step of DiLoCo's optimizer"""
    shares: str = "even"
    """of the global batch: equal ones, or by measured speed (ddp)"""


def parallel_problems(parallel: Parallel, method: Any, training: Any) -> list[Problem]:
    """What is known to be impossible before any device is asked. `method`, `training`: those parts of the spec."""
    strategy, problems = parallel.strategy, []
    if parallel.shares not in SHARES:
        problems.append(unknown("parallel.shares", parallel.shares, SHARES))
    if parallel.outer not in OUTER:
        problems.append(unknown("parallel.outer", parallel.outer, OUTER))
    if parallel.shares == "measured" and strategy != "ddp":
        sentence = gettext_noop("Only ddp gives faster devices more of a batch. Choose ddp, or even shares.")
        problems.append(Problem("parallel.shares", sentence))
    if method.kind == "lora" and method.use_dora and strategy in ("tensor", "fsdp"):
        sentence = gettext_noop(
            "DoRA measures whole layers: choose ddp, pipeline or local-sgd, or set use_dora to false."
        )
        problems.append(Problem("parallel.strategy", sentence))
    if method.quantise_base:
        problems += _quantised_problems(method, strategy)
    if training.torch_compile is True and strategy not in WHOLE_MODEL:
        sentence = gettext_noop("A compiled model cannot be cut: choose ddp or local-sgd, or switch compiling off.")
        problems.append(Problem("training.torch_compile", sentence))
    return problems


def _quantised_problems(method: Any, strategy: str) -> list[Problem]:
    path = "method.quantise_base"
    if method.kind != "lora":
        sentence = gettext_noop(
            "Only weights that do not learn are quantised: choose the method lora, or switch it off."
        )
        return [Problem(path, sentence)]
    if method.use_dora:
        return [Problem(path, gettext_noop("DoRA measures full weights: choose plain LoRA, or do not quantise."))]
    if strategy not in WHOLE_MODEL:
        return [Problem(path, gettext_noop("Quantised weights are not cut across devices: choose ddp or local-sgd."))]
    return []


def sharing_problems(strategy: str, devices: int, training: Any, samples: int) -> list[Problem]:
    """What keeps `devices` from having work in every step. `samples`: of the train split, known once the data is."""
    if strategy == "pipeline":
        batch = training.per_device_train_batch_size * training.gradient_accumulation_steps
        sentence = gettext_noop(
            "A pipeline of %(devices)s devices works on as many parts of a batch at once: give a batch of at least "
            "%(devices)s."
        )
        return [Problem(BATCH, sentence, {"devices": devices})] if batch < devices else []
    if strategy in PART_OF_BATCH and 0 < samples < devices:
        sentence = gettext_noop(
            "The data has %(samples)s samples to train on, fewer than the %(devices)s devices that would share them. "
            "Choose fewer devices."
        )
        return [Problem("devices", sentence, {"samples": samples, "devices": devices})]
    return []
