"""The part `training` of a job spec, under the names of Hugging Face's `TrainingArguments`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from contract.problems import Problem, gettext_noop, unknown
from contract.tasks import TASKS

OPTIMIZERS = ("adam", "adamw", "adamw_torch", "adamw_torch_fused", "sgd", "adagrad", "rmsprop", "adafactor")
SCHEDULES = (
    "constant",
    "constant_with_warmup",
    "linear",
    "cosine",
    "cosine_with_restarts",
    "polynomial",
    "inverse_sqrt",
)
NUMBER = re.compile(r"-?\d+(\.\d*)?([eE][-+]?\d+)?")
SCHEDULE_KWARGS: dict[str, dict[str, tuple[float, float]]] = {
    "cosine_with_restarts": {"num_cycles": (1, 1000)},
    "polynomial": {"power": (0.01, 100), "lr_end": (0, 100)},
    "inverse_sqrt": {"timescale": (1, 1e9)},
}
"""what `lr_scheduler_kwargs` may say of a schedule, and between which values"""
OPTIM_ARGS: dict[str, dict[str, tuple[float, float] | None]] = {
    "adam": {"amsgrad": None},
    "sgd": {"momentum": (0, 0.9999), "dampening": (0, 1), "nesterov": None},
    "adagrad": {"lr_decay": (0, 1), "initial_accumulator_value": (0, 100), "eps": (0, 1)},
    "rmsprop": {"alpha": (0, 0.999999), "momentum": (0, 0.9999), "eps": (0, 1), "centered": None},
    "adafactor": {"beta2_decay": (-10, 0), "d": (1e-6, 100)},
}
"""what `optim_args` may say of an optimizer (those of Adam hold for every AdamW), and between which values; None: True
or False"""


@dataclass(frozen=True)
class Training:
    num_train_epochs: float = 5
    max_steps: int = -1
    """optimizer steps in all; -1 = by epochs"""
    per_device_train_batch_size: int = 64
    per_device_eval_batch_size: int = 256
    learning_rate: float = 0.001
    optim: str = "adamw"
    adam_beta1: float = 0.9
    adam_beta2: float = 0.999
    adam_epsilon: float = 1e-8
    optim_args: str = ""
    """what the optimizer takes besides, such as "momentum=0.9, nesterov=True" """
    lr_scheduler_type: str = "linear"
    lr_scheduler_kwargs: dict[str, Any] = field(default_factory=dict)
    warmup_steps: int = 0
    warmup_ratio: float = 0.0
    """share of all steps, where `warmup_steps` is 0"""
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    """0 = no clipping"""
    gradient_accumulation_steps: int = 1
    seed: int = 42
    logging_steps: int = 1
    eval_steps: int = 0
    """optimizer steps between evaluations on the validation split; 0 = once an epoch"""
    save_steps: int = 0
    """optimizer steps between checkpoints; 0 = each epoch, at most one each 10 s"""
    label_smoothing_factor: float = 0.0
    early_stopping_patience: int = 0
    """evaluations without a better `metric_for_best_model` before training ends; 0 = never"""
    metric_for_best_model: str = "loss"
    load_best_model_at_end: bool = False
    """the job leaves the weights of its best evaluation instead of the last"""
    ema_decay: float = 0.0
    """the job evaluates and leaves a running average of the weights; 0 = none (no name of TrainingArguments)"""
    gradient_checkpointing: bool = False
    bf16: bool | str = False
    fp16: bool = False
    """forward passes in fp16, with a loss scale that follows what gradients bear"""
    torch_compile: bool | str = False


def training_problems(training: Training, strategy: str, task: str) -> list[Problem]:
    """What does not go together. `strategy`: the job's `parallel.strategy`; `task`: its task."""
    problems = _schedule_problems(training) + _optimizer_problems(training)
    metrics = ("loss", *TASKS[task].metrics) if task in TASKS else ()
    if task in TASKS and training.metric_for_best_model.removeprefix("eval_") not in metrics:
        problems.append(unknown("training.metric_for_best_model", training.metric_for_best_model, metrics))
    if training.ema_decay and strategy == "local-sgd":
        sentence = gettext_noop("Local SGD averages weights where devices meet: set ema_decay to 0, or choose ddp.")
        problems.append(Problem("training.ema_decay", sentence))
    if training.fp16 and training.bf16 is not False:
        problems.append(
            Problem("training.fp16", gettext_noop("Choose one of bf16 and fp16, and set the other to false."))
        )
    if training.fp16 and strategy != "ddp":
        sentence = gettext_noop("fp16 scales the loss by what the gradients of all ranks bear: choose ddp, or bf16.")
        problems.append(Problem("training.fp16", sentence))
    if training.optim == "adafactor" and strategy in ("fsdp", "tensor"):
        sentence = gettext_noop("Adafactor needs whole weights: choose ddp, pipeline or local-sgd, or AdamW.")
        problems.append(Problem("training.optim", sentence))
    return problems


def _schedule_problems(training: Training) -> list[Problem]:
    allowed = SCHEDULE_KWARGS.get(training.lr_scheduler_type, {})
    problems = []
    for name, value in training.lr_scheduler_kwargs.items():
        path = f"training.lr_scheduler_kwargs.{name}"
        if name not in allowed:
            problems.append(unknown(path, name, tuple(allowed)))
        elif isinstance(value, bool) or not isinstance(value, int | float) or not _between(value, allowed[name]):
            low, high = allowed[name]
            sentence = gettext_noop("Expected a number from %(low)s to %(high)s.")
            problems.append(Problem(path, sentence, {"low": low, "high": high}))
    return problems


def optimizer_arguments(training: Mapping[str, Any]) -> dict[str, float | bool]:
    """`optim_args` read, as Hugging Face reads it: "key=value, key=value". Of arguments without problems."""
    words = {"True": True, "False": False}
    pairs = (part.partition("=") for part in training.get("optim_args", "").replace(" ", "").split(",") if part)
    return {name: words[value] if value in words else float(value) for name, _equals, value in pairs}


def _optimizer_problems(training: Training) -> list[Problem]:
    kind = "adam" if training.optim.startswith("adam") else training.optim
    allowed = OPTIM_ARGS.get(kind, {})
    path = "training.optim_args"
    for part in filter(None, training.optim_args.replace(" ", "").split(",")):
        name, _equals, value = part.partition("=")
        if name not in allowed:
            return [unknown(path, name, tuple(allowed))]
        limits = allowed[name]
        if limits is None and value not in ("True", "False"):
            return [Problem(path, gettext_noop("Write %(name)s=True or %(name)s=False."), {"name": name})]
        if limits is not None and not (NUMBER.fullmatch(value) and _between(float(value), limits)):
            sentence = gettext_noop("Write %(name)s as a number from %(low)s to %(high)s.")
            return [Problem(path, sentence, {"name": name, "low": limits[0], "high": limits[1]})]
    if kind == "sgd" and (given := _sgd_conflict(training)):
        return [Problem(path, given)]
    return []


def _sgd_conflict(training: Training) -> str:
    given = optimizer_arguments(vars(training))
    if given.get("nesterov") and (not given.get("momentum") or given.get("dampening")):
        return gettext_noop("Nesterov's step needs a momentum and no dampening.")
    return ""


def _between(value: float, limits: tuple[float, float]) -> bool:
    return limits[0] <= value <= limits[1]
