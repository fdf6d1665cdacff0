"""The job spec: one request to fine-tune, validated once at the border and trusted inside.

`JobSpec.parse(body)` takes what a user sent (names of `docs/api.md`), fills in every default and raises `Invalid` with
every problem at once. `spec.to_json()` is the complete spec as it is stored; parsing that again gives an equal spec.
"""

import dataclasses
import math
from dataclasses import dataclass, field
from typing import Any

from contract.problems import Invalid, Problem, choice, gettext_noop, unknown
from contract.requirement import requirement_problems
from contract.spec_devices import Devices, device_problems
from contract.spec_keras import with_compiled
from contract.spec_model import MODEL_SOURCES_BUILT, model_problems
from contract.spec_parallel import STRATEGIES, STRATEGIES_BUILT, Parallel, parallel_problems
from contract.spec_security import security_problems, with_defaults
from contract.spec_training import OPTIMIZERS, SCHEDULES, Training, training_problems
from contract.tasks import TASKS

TASKS_BUILT = tuple(TASKS)
METHODS = ("full", "head", "lora")
METHODS_BUILT = ("full", "head", "lora")
FORMATS = ("safetensors", "onnx", "onnx-int8", "onnx-int8-static", "pt2", "aoti", "tf-saved-model", "litert")
FORMATS_BUILT = FORMATS
SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Method:
    kind: str = "full"
    r: int = 8
    alpha: int = 16
    dropout: float = 0.0
    target_modules: list[str] = field(default_factory=list)
    """layers that LoRA adds to, by name or by the end of it; empty = all linear and convolution layers of the body"""
    use_dora: bool = False
    quantise_base: bool = False
    """LoRA: linear layers that it adds to are held in int8, with one scale per row"""
    layer_decay: float = 1.0
    """each layer below the head learns at so much of the rate of the one above"""


@dataclass(frozen=True)
class Evaluation:
    split: str = "test"
    metrics: list[str] = field(default_factory=list)
    """empty = all of the task"""


@dataclass(frozen=True)
class Export:
    formats: list[str] = field(default_factory=lambda: ["safetensors", "onnx"])


@dataclass(frozen=True)
class Schedule:
    priority: int = 0
    not_before: str = ""
    """ISO 8601 UTC"""
    after: int = 0
    """id of the job that must have ended before"""
    preemptible: bool = False
    """may be stopped at a checkpoint for a job of higher priority, and goes on later"""
    min_devices: int = 0
    """goes on with so many when devices are lost, with the same global batch; 0 = never with fewer than asked for"""
    max_attempts: int = 3
    max_seconds: int = 0
    """0 = no limit"""


@dataclass(frozen=True)
class JobSpec:
    task: str
    dataset: str
    model: dict[str, Any]
    name: str = ""
    project: str = ""
    tags: list[str] = field(default_factory=list)
    recipe: list[dict[str, Any]] = field(default_factory=list)
    """empty = the default recipe of the data and task"""
    devices: Devices = field(default_factory=Devices)
    method: Method = field(default_factory=Method)
    parallel: Parallel = field(default_factory=Parallel)
    training: Training = field(default_factory=Training)
    evaluation: Evaluation = field(default_factory=Evaluation)
    export: Export = field(default_factory=Export)
    schedule: Schedule = field(default_factory=Schedule)
    requirements: list[str] = field(default_factory=list)
    security: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, body: Any) -> "JobSpec":
        """The spec in `body` with defaults filled in. Raises `Invalid` with every problem, each with its path."""
        if not isinstance(body, dict):
            raise Invalid([Problem("", gettext_noop("A job spec is a JSON object."))])
        reader = _Reader()
        spec = cls(**(PLACEHOLDERS | reader.fields(cls, with_compiled(body), "")))
        told = {problem.path for problem in reader.problems}
        problems = reader.problems + [problem for problem in _limits(spec) if problem.path not in told]
        if problems:
            raise Invalid(problems)
        return spec._completed()

    def _completed(self) -> "JobSpec":
        """With the metrics of the task where none were asked for, and every field of what is asked of privacy."""
        metrics = self.evaluation.metrics or list(TASKS[self.task].metrics)
        evaluation = dataclasses.replace(self.evaluation, metrics=metrics)
        return dataclasses.replace(self, evaluation=evaluation, security=with_defaults(self.security))

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @property
    def source_job(self) -> int:
        """The job whose result the weights start from, or 0."""
        return int(self.model["id"]) if self.model["source"] == "job" else 0


def completed(stored: dict[str, Any]) -> dict[str, Any]:
    """A spec that an earlier version stored, with the defaults of fields that came later. Its values are trusted."""
    blank = JobSpec(task="", dataset="", model={}).to_json()
    return {
        name: {**default, **stored.get(name, {})} if isinstance(default, dict) else stored.get(name, default)
        for name, default in blank.items()
    }


PLACEHOLDERS: dict[str, Any] = {"task": TASKS_BUILT[0], "dataset": "-", "model": {"source": MODEL_SOURCES_BUILT[0]}}
"""stand in for what is required and missing, so that the rest can be looked at all the same"""
PARTS = {part.__name__: part for part in (Devices, Method, Parallel, Training, Evaluation, Export, Schedule)}


class _Reader:
    """Reads a dict into arguments of a dataclass by its annotations; collects problems and leaves bad values out."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def fields(self, kind, body: dict, path: str) -> dict[str, Any]:
        known = {item.name: item for item in dataclasses.fields(kind)}
        values = {}
        for name, value in body.items():
            where = f"{path}.{name}" if path else str(name)
            if name not in known:
                self.problems.append(unknown(where, str(name), known))
                continue
            read = self.value(known[name].type, value, where)
            if read is not None:
                values[name] = read
        for name, item in known.items():
            required = item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING
            if required and name not in body:
                self.problems.append(Problem(f"{path}.{name}".strip("."), gettext_noop("This is required.")))
        return values

    def value(self, kind, value, path: str):
        if getattr(kind, "__name__", "") in PARTS:
            if not isinstance(value, dict):
                return self.refuse(path, gettext_noop("Expected an object."), value)
            return kind(**self.fields(kind, value, path))
        return self.plain(kind, value, path)

    def plain(self, kind, value, path: str):
        if kind == bool | str:
            ok, wish = isinstance(value, bool) or value == "auto", gettext_noop("Expected true, false or 'auto'.")
        elif kind is bool:
            ok, wish = isinstance(value, bool), gettext_noop("Expected true or false.")
        elif kind is int:
            ok = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53
            wish = gettext_noop("Expected a whole number.")
        elif kind is float:
            ok = isinstance(value, int | float) and not isinstance(value, bool) and _finite(value)
            wish = gettext_noop("Expected a finite number.")
        elif kind is str:
            ok, wish = isinstance(value, str), gettext_noop("Expected text.")
        elif kind == list[str]:
            ok = isinstance(value, list) and all(isinstance(item, str) for item in value)
            wish = gettext_noop("Expected a list of texts.")
        elif kind == list[dict[str, Any]]:
            ok = isinstance(value, list) and all(isinstance(item, dict) for item in value)
            wish = gettext_noop("Expected a list of objects.")
        else:
            ok, wish = isinstance(value, dict), gettext_noop("Expected an object.")
        return value if ok else self.refuse(path, wish, value)

    def refuse(self, path, sentence, value):
        self.problems.append(Problem(path, sentence, {"value": repr(value)[:60]}))


def _finite(value) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _limits(spec: JobSpec) -> list[Problem]:
    """What is well-formed and still impossible."""
    problems = [
        *choice("task", spec.task, TASKS, TASKS_BUILT),
        *choice("method.kind", spec.method.kind, METHODS, METHODS_BUILT),
        *choice("parallel.strategy", spec.parallel.strategy, STRATEGIES, STRATEGIES_BUILT),
        *choice("training.optim", spec.training.optim, OPTIMIZERS, OPTIMIZERS),
        *choice("training.lr_scheduler_type", spec.training.lr_scheduler_type, SCHEDULES, SCHEDULES),
        *choice("evaluation.split", spec.evaluation.split, SPLITS, SPLITS),
        *choice("devices.mode", spec.devices.mode, ("together", "separately"), ("together",)),
    ]
    for index, name in enumerate(spec.export.formats):
        problems += choice(f"export.formats.{index}", name, FORMATS, FORMATS_BUILT)
    metrics = (*TASKS[spec.task].metrics, "loss") if spec.task in TASKS else spec.evaluation.metrics
    for index, name in enumerate(spec.evaluation.metrics):
        problems += choice(f"evaluation.metrics.{index}", name, metrics, metrics)
    problems += requirement_problems(spec.requirements)
    problems += security_problems(spec)
    problems += parallel_problems(spec.parallel, spec.method, spec.training)
    problems += training_problems(spec.training, spec.parallel.strategy, spec.task)
    return problems + _ranges(spec) + model_problems(spec.model, spec.task) + _text_problems(spec)


RANGES = {
    "devices.count": (1, 1024),
    "devices.min_memory_bytes": (0, 2**53),
    "training.num_train_epochs": (0.001, 100_000),
    "training.max_steps": (-1, 1_000_000_000),
    "training.per_device_train_batch_size": (1, 65_536),
    "training.per_device_eval_batch_size": (1, 65_536),
    "training.learning_rate": (0, 100),
    "training.adam_beta1": (0, 0.9999),
    "training.adam_beta2": (0, 0.999999),
    "training.adam_epsilon": (0, 1),
    "training.ema_decay": (0, 0.999999),
    "training.warmup_steps": (0, 1_000_000_000),
    "training.warmup_ratio": (0, 1),
    "training.weight_decay": (0, 100),
    "training.max_grad_norm": (0, 1e9),
    "training.gradient_accumulation_steps": (1, 65_536),
    "training.seed": (0, 2**32 - 1),
    "training.logging_steps": (1, 1_000_000),
    "training.eval_steps": (0, 1_000_000_000),
    "training.save_steps": (0, 1_000_000_000),
    "training.label_smoothing_factor": (0, 0.999),
    "training.early_stopping_patience": (0, 1_000_000),
    "method.r": (1, 4096),
    "method.alpha": (1, 65_536),
    "method.dropout": (0, 0.999),
    "method.layer_decay": (0.01, 1),
    "parallel.sync_every": (1, 1_000_000),
    "schedule.priority": (-10, 10),
    "schedule.after": (0, 2**53),
    "schedule.min_devices": (0, 1024),
    "schedule.max_attempts": (1, 50),
    "schedule.max_seconds": (0, 31_536_000),
}


def _ranges(spec: JobSpec) -> list[Problem]:
    problems = []
    for path, (low, high) in RANGES.items():
        part, name = path.split(".")
        value = getattr(getattr(spec, part), name)
        if not low <= value <= high:
            sentence = gettext_noop("%(value)s is out of range: from %(low)s to %(high)s.")
            problems.append(Problem(path, sentence, {"value": value, "low": low, "high": high}))
    return problems + device_problems(spec.devices, spec.schedule.min_devices, spec.parallel.strategy)


def _text_problems(spec: JobSpec) -> list[Problem]:
    problems = []
    texts = {"name": spec.name, "dataset": spec.dataset, "project": spec.project}
    texts |= {f"tags.{index}": tag for index, tag in enumerate(spec.tags)}
    for path, text in texts.items():
        if len(text) > 120:
            problems.append(Problem(path, gettext_noop("At most 120 characters.")))
        if any(ord(char) < 32 or 0xD800 <= ord(char) < 0xE000 or 0x202A <= ord(char) <= 0x202E for char in text):
            problems.append(Problem(path, gettext_noop("Leave out control characters.")))
    if not spec.dataset:
        problems.append(Problem("dataset", gettext_noop("Name a dataset.")))
    if len(spec.tags) > 20:
        problems.append(Problem("tags", gettext_noop("At most 20 tags.")))
    return problems
