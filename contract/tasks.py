"""What everybody has to know about a task without being able to train it: its kind of data, its target, its metrics."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TaskFacts:
    """One task. Metric names are those of `evaluations`; the page shows `eval/<metric>`."""

    kind: str
    """of its data: image, text or table"""
    target: str
    """what an item's target holds: label, labels, boxes, value, or tokens (the text itself)"""
    metrics: tuple[str, ...]
    """all that an evaluation gives besides the loss"""
    headline: str
    """the metric that is shown first and compared by"""
    higher_is_better: bool = True
    train_keys: tuple[str, ...] = ()
    """measured on every training batch besides the loss"""
    models: tuple[str, ...] = ()
    """presets that can do it, the usual one first"""


LOWER_IS_BETTER = frozenset({"loss", "perplexity", "rmse", "mae"})
TASKS: dict[str, TaskFacts] = {
    "image-classification": TaskFacts(
        "image",
        "label",
        ("accuracy", "f1_macro"),
        "accuracy",
        train_keys=("accuracy",),
        models=("conv", "vit", "dense"),
    ),
    "object-detection": TaskFacts("image", "boxes", ("map", "map_50"), "map", models=("detector",)),
    "text-classification": TaskFacts(
        "text", "label", ("accuracy", "f1_macro"), "accuracy", train_keys=("accuracy",), models=("text",)
    ),
    "causal-lm": TaskFacts(
        "text",
        "tokens",
        ("perplexity", "token_accuracy", "exact_match"),
        "token_accuracy",
        train_keys=("token_accuracy",),
        models=("lm",),
    ),
    "tabular-classification": TaskFacts(
        "table", "label", ("accuracy", "f1_macro"), "accuracy", train_keys=("accuracy",), models=("dense",)
    ),
    "tabular-regression": TaskFacts(
        "table", "value", ("rmse", "mae", "r2"), "rmse", higher_is_better=False, models=("dense",)
    ),
}
