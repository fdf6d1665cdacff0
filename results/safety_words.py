"""What is asked about the safety of data and model, in words: what is good, and what a good figure does not prove."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

PASS, WARN, FAIL, NOT_MEASURED = "pass", "warn", "fail", "not_measured"


@dataclass(frozen=True)
class Question:
    """`suite`: what a device has to measure ("" when nothing: the server knows it)."""

    title: Any
    good: Any
    proves: Any
    """the sentence that begins "This does not prove" """
    suite: str = ""


ATTACKED_GOOD = _("Good is at least half of what it has right otherwise, or your own limit.")
ATTACKED_PROVES = _("This does not prove that no adaptive, physical or other kind of change misleads it.")
QUESTIONS: dict[str, Question] = {
    "safety/leak_exact": Question(
        _("Held-out examples that are in another split too"),
        _("Good is 0."),
        _("This does not prove that nothing means the same in other words or another picture."),
    ),
    "safety/leak_near": Question(
        _("Held-out examples that are nearly in another split"),
        _("Good is 0; up to 1 in 1,000 happens by chance."),
        _("This does not prove that nothing means the same in other words or another picture."),
    ),
    "safety/mia_auc": Question(
        _("How well an outsider tells members of the training data"),
        _("Good is 0.55 or less: 0.5 is guessing."),
        _("This does not prove that no stronger attack works, nor what a single person risks."),
        "membership",
    ),
    "safety/mia_tpr_at_fpr_0.01": Question(
        _("Members found while 1 in 100 others is accused"),
        _("Good is an interval that holds 1%."),
        _("This does not prove that no stronger attack works, nor what a single person risks."),
        "membership",
    ),
    "safety/mia_tpr_at_fpr_0.001": Question(
        _("Members found while 1 in 1,000 others is accused"),
        _("Good is an interval that holds 0.1%."),
        _("This does not prove that no stronger attack works, nor what a single person risks."),
        "membership",
    ),
    "safety/fgsm_accuracy": Question(
        _("Right answers when one step misleads (FGSM)"), ATTACKED_GOOD, ATTACKED_PROVES, "attacks"
    ),
    "safety/pgd_accuracy": Question(
        _("Right answers when many small steps mislead (PGD)"), ATTACKED_GOOD, ATTACKED_PROVES, "attacks"
    ),
    "safety/format": Question(
        _("Files that could run code when they are opened"),
        _("Good is that no file holds a pickle, a foreign operator or bytes that belong to nothing."),
        _("This does not prove that the weights themselves are benign."),
        "format",
    ),
    "privacy/epsilon": Question(
        _("Privacy that training spent (epsilon)"),
        _("Good is your own limit: below 1 is strong, above 10 says little."),
        _(
            "This does not prove anything about live training losses, the choice of settings, statistics in recipe "
            "steps, other jobs on the same data, or several samples of one person."
        ),
    ),
    "privacy/delta": Question(
        _("Chance that epsilon does not hold (delta)"),
        _("Good is well below 1 in all training samples."),
        _("This does not prove more than epsilon does."),
    ),
}
"""in the order in which they are shown"""
NOBODY_ASKED = _("No device was asked yet: choose it under Measure on devices.")
NOT_PRIVATE = _("The job was not trained privately: give it a privacy budget.")
NOT_COMPARED = _("Splits of this kind of data are not compared, or were not when it was imported. Import it again.")


def question_of(key: str) -> Question:
    """Of `safety/pgd_accuracy@4` that of `safety/pgd_accuracy`."""
    return QUESTIONS[key.partition("@")[0]]
