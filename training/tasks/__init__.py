"""What differs between tasks. To add one: write its file after `classification.py` and register it here."""

from collections.abc import Callable
from typing import Any

from contract.tasks import TASKS as FACTS
from training.tasks.causal_lm import CausalLM
from training.tasks.classification import Classification
from training.tasks.multi_label import MultiLabel
from training.tasks.object_detection import ObjectDetection
from training.tasks.regression import Regression
from training.tasks.task import Task


def _image_classification(manifest: dict[str, Any], training: dict[str, Any]) -> Task:
    """Pictures have one class each or any number of labels; the data says which."""
    return (MultiLabel if manifest["target"].get("multi") else Classification)(manifest, training)


TASKS: dict[str, Callable[[dict[str, Any], dict[str, Any]], Task]] = {
    "image-classification": _image_classification,
    "object-detection": ObjectDetection,
    "text-classification": Classification,
    "causal-lm": CausalLM,
    "tabular-classification": Classification,
    "tabular-regression": Regression,
}


def task_of(name: str, manifest: dict, training: dict) -> Task:
    """The task called `name` on data with this manifest. `training` is that part of the job spec."""
    return TASKS[name](manifest, training)


def eval_keys(name: str) -> tuple[str, ...]:
    """What an evaluation of the task called `name` gives, in the order in which it is told."""
    return ("loss", *FACTS[name].metrics)


__all__ = ["TASKS", "Task", "eval_keys", "task_of"]
