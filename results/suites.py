"""What people can ask devices to measure, in words. The work behind each name is in `training/suites/`."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from contract.problems import Problem, gettext_noop, unknown
from contract.tasks import TASKS

KINDS = ("image", "text", "table")


@dataclass(frozen=True)
class Suite:
    """`sentence` says what comes out; `kinds` of data and `tasks` (empty: all) that it can be asked of."""

    title: Any
    sentence: Any
    kinds: tuple[str, ...] = KINDS
    tasks: tuple[str, ...] = ()

    def fits(self, task: str) -> bool:
        return TASKS[task].kind in self.kinds and (not self.tasks or task in self.tasks)


SUITES: dict[str, Suite] = {
    "quality": Suite(_("Quality"), _("Every metric of the task with its interval, by class, and the worst errors.")),
    "speed": Suite(_("Speed"), _("Milliseconds an answer, samples a second, memory.")),
    "corruption": Suite(
        _("Spoilt inputs"), _("Noise, blur, brightness, JPEG; dropped words, typos: five severities each.")
    ),
    "out_of_distribution": Suite(
        _("Foreign inputs"),
        _("Whether it is less sure of noise, and of another dataset, than of real samples."),
        tasks=("image-classification", "text-classification", "tabular-classification"),
    ),
}
SUITES |= {
    "attacks": Suite(
        _("Attacks"),
        _("How often it is right when inputs are changed to mislead it (FGSM, PGD). Needs model.safetensors."),
        kinds=("image", "table"),
        tasks=("image-classification", "tabular-classification"),
    ),
    "membership": Suite(
        _("Membership"),
        _("Whether an outsider could tell what it was trained on. Needs model.safetensors and a held-out split."),
        tasks=tuple(task for task in TASKS if task != "object-detection"),
    ),
    "format": Suite(_("File safety"), _("Whether a file of the model could run code when it is opened.")),
}
DEFAULT = ("quality", "speed")
"""measured when nobody chooses"""


def fitting(task: str) -> dict[str, Suite]:
    """Those that can be asked of a model that does `task`."""
    return {name: suite for name, suite in SUITES.items() if suite.fits(task)}


def asked(task: str, names: Any, problems: list[Problem]) -> list[str]:
    """The suites called `names`, each once; adds what is wrong with them to `problems`."""
    if not isinstance(names, list) or not names:
        problems.append(Problem("suites", gettext_noop("Choose at least one thing to measure.")))
        return []
    for number, name in enumerate(names):
        if not isinstance(name, str) or name not in SUITES:
            problems.append(unknown(f"suites.{number}", str(name), SUITES))
        elif not SUITES[name].fits(task):
            sentence = gettext_noop("'%(suite)s' cannot be measured for the task %(task)s.")
            problems.append(Problem(f"suites.{number}", sentence, {"suite": name, "task": task}))
    return _once(names)


def _once(names: Iterable[Any]) -> list[str]:
    return list(dict.fromkeys(name for name in names if isinstance(name, str)))
