"""What an evaluation can measure. To add a suite: write its file with one function of a `Subject`, register it here
and, with the words that people choose it by, in `results/suites.py`.

A suite answers JSON. It raises `NotMeasured` with a sentence where it cannot, which fails none of the others.
"""

from collections.abc import Callable
from typing import Any

from training.suites.attacks import attacks
from training.suites.corruption import corruption
from training.suites.file_format import file_format
from training.suites.membership import membership
from training.suites.out_of_distribution import out_of_distribution
from training.suites.quality import quality
from training.suites.speed import speed
from training.suites.subject import NotMeasured, Subject

SUITES: dict[str, Callable[[Subject], dict[str, Any]]] = {
    "quality": quality,
    "speed": speed,
    "corruption": corruption,
    "out_of_distribution": out_of_distribution,
    "attacks": attacks,
    "membership": membership,
    "format": file_format,
}
DEFAULT = ("quality", "speed")
"""what is measured when nobody chose; their answers lie beside the facts of the file, others under their own name"""

__all__ = ["DEFAULT", "SUITES", "NotMeasured", "Subject"]
