"""Ready-made settings for the method of a job: a starting point that fits most data."""

import copy
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Preset:
    slug: str
    label: Any
    help: Any
    training: dict[str, Any]


PRESETS = (
    Preset(
        "quick",
        _("Quick"),
        _("2 epochs: does it learn at all?"),
        {"num_train_epochs": 2, "learning_rate": 0.002, "early_stopping_patience": 0},
    ),
    Preset(
        "balanced",
        _("Balanced"),
        _("5 epochs: right for most data."),
        {"num_train_epochs": 5, "learning_rate": 0.001, "early_stopping_patience": 0},
    ),
    Preset(
        "careful",
        _("Careful"),
        _("20 small-step epochs, stops when nothing gets better."),
        {"num_train_epochs": 20, "learning_rate": 0.0005, "early_stopping_patience": 5},
    ),
)


def apply(slug: str, body: dict[str, Any]) -> dict[str, Any]:
    """`body` with the settings of the preset `slug`; unchanged when there is no such preset."""
    chosen = next((preset for preset in PRESETS if preset.slug == slug), None)
    if chosen is None:
        return body
    result = copy.deepcopy(body)
    result["training"] = _training(result) | chosen.training
    return result


def matching(body: dict[str, Any]) -> str:
    """The preset whose every setting `body` has; "" when none fits."""
    training = _training(body)
    for preset in PRESETS:
        if all(training.get(name) == value for name, value in preset.training.items()):
            return preset.slug
    return ""


def _training(body: dict[str, Any]) -> dict[str, Any]:
    training = body.get("training")
    return training if isinstance(training, dict) else {}
