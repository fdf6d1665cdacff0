"""What pages call the metrics of a job's task, and in which order they are shown."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contract.tasks import TASKS, TaskFacts
from jobs.models import Job

NAMES: dict[str, Any] = {
    "accuracy": gettext_lazy("Accuracy"),
    "f1_macro": gettext_lazy("F1"),
    "map": gettext_lazy("mAP"),
    "map_50": gettext_lazy("mAP at 0.5"),
    "perplexity": gettext_lazy("Perplexity"),
    "token_accuracy": gettext_lazy("Tokens right"),
    "exact_match": gettext_lazy("Exact match"),
    "rmse": gettext_lazy("RMSE"),
    "mae": gettext_lazy("MAE"),
    "r2": gettext_lazy("R²"),
    "loss": gettext_lazy("Loss"),
}
SPLITS: dict[str, Any] = {
    "train": gettext_lazy("training"),
    "validation": gettext_lazy("validation"),
    "test": gettext_lazy("test"),
}
OF_POINTS = {"eval": "validation", "train": "train"}
"""which split the points of a key are of"""
BESIDE = {"map": ("map_50",), "rmse": ("mae",)}
"""metrics in the same units as a headline, drawn in its chart"""
SHOWN = 2
"""metrics of a task that a job's page names, besides the loss"""


def facts(job: Job) -> TaskFacts:
    return TASKS[job.spec["task"]]


def name_of(metric: str) -> str:
    """As pages call it; a metric that nobody named is called by its key."""
    return str(NAMES.get(metric, metric))


def split_word(split: str) -> str:
    return str(SPLITS.get(split, split))


def measured_on(metric: str, split: str) -> str:
    """The name of a metric with the data that it was measured on: nobody takes validation for the test."""
    return _("%(metric)s, %(split)s") % {"metric": name_of(metric), "split": split_word(split)}


def key_words(key: str) -> str:
    """Points of `eval/loss` are those of the loss on the validation split."""
    prefix, _slash, metric = key.rpartition("/")
    split = OF_POINTS.get(prefix)
    return measured_on(metric, split) if split else key


def by_weight(job: Job) -> list[str]:
    """Metrics of the job's task, the one to show first in front, the loss at the end."""
    known = facts(job)
    return list(dict.fromkeys([known.headline, *known.metrics, "loss"]))


def result_keys(job: Job) -> list[tuple[str, str]]:
    """Keys of points that tell how good a job is, most telling first, each with its name."""
    first = [metric for metric in by_weight(job) if metric != "loss"][:SHOWN]
    evaluated = [f"eval/{metric}" for metric in [*first[:1], "loss", *first[1:]]]
    return [(key, key_words(key)) for key in [*evaluated[:2], "train/loss", *evaluated[2:]]]


def charts(job: Job) -> list[dict[str, Any]]:
    """The charts of a job's overview: name, keys with a space between, title."""
    known = facts(job)
    train = [f"train/{known.headline}"] if known.headline in known.train_keys else []
    evaluated = [f"eval/{metric}" for metric in (known.headline, *BESIDE.get(known.headline, ()))]
    private = {"name": "epsilon", "keys": "privacy/epsilon", "title": _("Privacy spent (epsilon)")}
    return [
        {"name": "loss", "keys": "train/loss eval/loss", "title": NAMES["loss"]},
        {"name": known.headline, "keys": " ".join([*train, *evaluated]), "title": NAMES[known.headline]},
        *([private] if job.spec.get("security", {}).get("dp") else []),
    ]
