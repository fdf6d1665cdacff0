"""What measured numbers are called, and what they mean in half a sentence."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from contract import tasks
from jobs.task_metrics import NAMES

WORDS: dict[str, tuple[Any, Any]] = {
    "accuracy": (NAMES["accuracy"], _("answers that are right")),
    "top_3_accuracy": (_("Top 3"), _("right class among the three highest")),
    "top_5_accuracy": (_("Top 5"), _("right class among the five highest")),
    "f1_macro": (NAMES["f1_macro"], _("mean over classes")),
    "precision_macro": (_("Precision"), _("mean over classes")),
    "recall_macro": (_("Recall"), _("mean over classes")),
    "roc_auc": (_("ROC-AUC"), _("0.5 is chance, 1 is best")),
    "ece": (_("Calibration error"), _("0: as often right as it says")),
    "loss": (NAMES["loss"], _("lower is better")),
    "map": (NAMES["map"], _("COCO, overlaps 0.5 to 0.95")),
    "map_50": (NAMES["map_50"], _("boxes that overlap by half")),
    "map_75": (_("mAP at 0.75"), _("boxes that fit closely")),
    "perplexity": (NAMES["perplexity"], _("lower is better")),
    "token_accuracy": (NAMES["token_accuracy"], _("next tokens that are right")),
    "exact_match": (NAMES["exact_match"], _("whole answers that are right")),
    "rmse": (NAMES["rmse"], _("in the data's own unit")),
    "mae": (NAMES["mae"], _("in the data's own unit")),
    "r2": (NAMES["r2"], _("share of the spread that is explained")),
}


LOWER_IS_BETTER = {"bytes", "ece", "latency_ms", *tasks.LOWER_IS_BETTER}


def label(name: str) -> str:
    return str(WORDS[name][0]) if name in WORDS else name


def meaning(name: str) -> str:
    return str(WORDS[name][1]) if name in WORDS else ""
