"""What the choices of a new job's form are called, and which of them this version has."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from contract.spec import (
    FORMATS,
    FORMATS_BUILT,
    METHODS,
    METHODS_BUILT,
    OPTIMIZERS,
    SCHEDULES,
    SPLITS,
    STRATEGIES,
    STRATEGIES_BUILT,
)
from contract.tasks import TASKS
from jobs.task_metrics import NAMES


@dataclass(frozen=True)
class Choice:
    value: str
    label: Any
    help: Any = ""
    built: bool = True


def _named(values: tuple[str, ...], built: tuple[str, ...], words: dict[str, tuple[Any, Any]]) -> tuple[Choice, ...]:
    named = ((value, *words.get(value, (value, ""))) for value in values)
    return tuple(Choice(value, label, text, value in built) for value, label, text in named)


METHOD_CHOICES = _named(
    METHODS,
    METHODS_BUILT,
    {
        "full": (_("Full"), _("Every weight learns. Best quality, most memory.")),
        "head": (_("Head only"), _("Only the last layer learns. Fast, for small data close to the source.")),
        "lora": (_("LoRA"), _("Small added matrices learn and are merged at the end. For large models.")),
    },
)
STRATEGY_CHOICES = _named(
    STRATEGIES,
    STRATEGIES_BUILT,
    {
        "ddp": (_("Data parallel (DDP)"), _("Each device holds the whole model and a part of every batch.")),
        "fsdp": (_("Sharded (FSDP)"), _("Each device trains a part of every weight. Less memory, more exchange.")),
        "tensor": (_("Tensor parallel"), _("Each layer is cut across devices, which all see the same samples.")),
        "pipeline": (_("Pipeline"), _("Each device holds some layers; samples pass through all of them.")),
        "local-sgd": (_("Local SGD"), _("Devices train apart and meet every so many steps, for slow networks.")),
    },
)
SHARE_CHOICES = (Choice("even", _("Equal")), Choice("measured", _("By measured speed")))
OUTER_CHOICES = (Choice("mean", _("Take the mean")), Choice("diloco", _("Step with momentum (DiLoCo)")))
SCHEDULE_CHOICES = _named(
    SCHEDULES,
    SCHEDULES,
    {
        "constant": (_("Constant"), ""),
        "constant_with_warmup": (_("Constant after warm-up"), ""),
        "linear": (_("Falls in a line to 0"), ""),
        "cosine": (_("Falls along a cosine to 0"), ""),
        "cosine_with_restarts": (_("Falls along cosines, again and again"), ""),
        "polynomial": (_("Falls along a power, to almost 0"), ""),
        "inverse_sqrt": (_("Falls with the root of the step"), ""),
    },
)
OPTIMIZER_CHOICES = _named(
    OPTIMIZERS,
    OPTIMIZERS,
    {
        "adam": ("Adam", ""),
        "adamw": ("AdamW", ""),
        "sgd": ("SGD", ""),
        "adagrad": ("Adagrad", ""),
        "rmsprop": ("RMSprop", ""),
        "adafactor": (_("Adafactor, which needs less memory"), ""),
    },
)
SPLIT_CHOICES = _named(
    SPLITS, SPLITS, {"train": (_("Train"), ""), "validation": (_("Validation"), ""), "test": (_("Test"), "")}
)
METRICS = tuple(dict.fromkeys([*(name for facts in TASKS.values() for name in facts.metrics), "loss"]))
METRIC_HELP = {
    "map": _("Of boxes, over overlaps from 0.5 to 0.95, as COCO measures it"),
    "map_50": _("Of boxes that overlap by half or more"),
    "perplexity": _("How many tokens the model hesitates between; 1 is best"),
    "rmse": _("In the units of the target; large errors count more"),
    "mae": _("In the units of the target"),
    "r2": _("1 is best, 0 is as good as always saying the mean"),
}
METRIC_CHOICES = _named(
    METRICS,
    METRICS,
    {name: (label, METRIC_HELP.get(name, "")) for name, label in NAMES.items()},
)
FORMAT_CHOICES = _named(
    FORMATS,
    FORMATS_BUILT,
    {
        "safetensors": ("safetensors", _("Weights, for PyTorch and most tools")),
        "onnx": ("ONNX", _("Runs without PyTorch, in onnxruntime")),
        "onnx-int8": ("ONNX int8", _("Weights of 8 bits: a quarter of the size")),
        "onnx-int8-static": ("ONNX int8, static", _("Activations of 8 bits too, by their ranges on train samples")),
        "pt2": ("pt2", _("The graph with its weights, for PyTorch without this code")),
        "aoti": ("AOTInductor", _("Native code for this kind of device; needs a C++ compiler and half a minute")),
        "tf-saved-model": ("TensorFlow SavedModel", _("Where a converter is installed; else the row says why not")),
        "litert": ("LiteRT", _("For phones and small devices, where litert-torch is installed")),
    },
)
KIND_CHOICES = (Choice("", _("Any kind")), Choice("cpu", _("CPU")), Choice("cuda", _("GPU")))
YES_NO_CHOICES = (Choice("false", _("No")), Choice("true", _("Yes")))
SWITCH_CHOICES = (Choice("false", _("Off")), Choice("true", _("On")), Choice("auto", _("Let a probe decide")))
