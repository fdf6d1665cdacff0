"""What differs between tasks. To add one: write its file after `image_classification.py` and register it here."""

from training.tasks.image_classification import ImageClassification
from training.tasks.task import Task

TASKS: dict[str, type[Task]] = {"image-classification": ImageClassification}


def task_of(name: str, manifest: dict, training: dict) -> Task:
    """The task called `name` on data with this manifest. `training` is that part of the job spec."""
    return TASKS[name](manifest, training)


__all__ = ["TASKS", "Task", "task_of"]
