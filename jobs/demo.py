"""The three jobs of the demo: a classic in seconds, one to watch, and a fine-tuning of what that one has learnt."""

from typing import Any

from jobs.models import Job

DATASETS = ("mnist-5k", "digits-8x8")
"""built-in ones"""
DEVICES = 2
CONV_EPOCHS = 40
"""so many that it trains for 60 to 120 s on two cores"""
DIGITS_EPOCHS = 10

_SHARED = {
    "task": "image-classification",
    "devices": {"count": DEVICES},
    "schedule": {"priority": -10, "preemptible": True},  # a job of anybody's own never waits for the demo
}
_TRAINING = {
    "per_device_train_batch_size": 64,
    "learning_rate": 0.003,
    "optim": "adam",
    "lr_scheduler_type": "constant",
    "weight_decay": 0.0,
    "seed": 42,
}
_GENTLE = {"learning_rate": 0.0005, "lr_scheduler_type": "linear"}


def dense(dataset: str) -> dict[str, Any]:
    """784-64-64-10 on 28 × 28 pixels, 128 a step: over in seconds, test accuracy at least 0.88."""
    return _SHARED | {
        "name": "Handwritten digits, the classic",
        "dataset": dataset,
        "model": {"source": "dense", "hidden": [64, 64]},
        "training": _TRAINING | {"num_train_epochs": 5},
        "requirements": ["eval/accuracy >= 0.88"],
    }


def conv(dataset: str) -> dict[str, Any]:
    """A small convolutional network without batch statistics, long enough to watch; at least 0.95."""
    return _SHARED | {
        "name": "Handwritten digits, one to watch",
        "dataset": dataset,
        "model": {"source": "conv", "channels": [32, 64, 64], "hidden": [128]},
        "training": _TRAINING | _GENTLE | {"num_train_epochs": CONV_EPOCHS},
        "requirements": ["eval/accuracy >= 0.95"],
    }


def digits(source: int, dataset: str) -> dict[str, Any]:
    """What job `source` has learnt goes on with other handwriting, scanned at 8 × 8 pixels; at least 0.95."""
    return _SHARED | {
        "name": "Other handwriting, fine-tuned",
        "dataset": dataset,
        "recipe": [{"step": "resize", "size": [28, 28]}, {"step": "scale", "to": [0, 1]}],
        "model": {"source": "job", "id": source},
        "training": _TRAINING | _GENTLE | {"num_train_epochs": DIGITS_EPOCHS},
        "requirements": ["eval/accuracy >= 0.95"],
    }


def as_own(job: Job) -> dict[str, Any]:
    """What a job of somebody's own takes over of `job`: of the demo all but that it gives way."""
    return {key: value for key, value in job.spec.items() if not (job.demo and key == "schedule")}
