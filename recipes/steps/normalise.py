"""Normalise: mean 0 and standard deviation 1 in each channel, on the device."""

from dataclasses import dataclass
from typing import Any, ClassVar

from contract.problems import Problem, gettext_noop
from recipes.steps.base import DeviceStep, Statistics, is_list_of, is_number

MEASURED = gettext_noop("Subtract the mean and divide by the standard deviation of the train split (on the device).")
GIVEN = gettext_noop("Subtract %(mean)s and divide by %(std)s, channel by channel (on the device).")


@dataclass(frozen=True)
class Normalise(DeviceStep):
    """(value − mean) / std. Left empty, both are measured over the train split; a constant channel is not divided."""

    name: ClassVar[str] = "normalise"
    about: ClassVar[str] = gettext_noop(
        "Subtract the mean of each channel and divide by its standard deviation, as measured on the train split."
    )
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()

    @classmethod
    def check(cls, parameters: dict[str, Any], path: str) -> list[Problem]:
        problems = super().check(parameters, path)
        mean, std = parameters.get("mean", []), parameters.get("std", [])
        if not problems and len(mean) != len(std):
            sentence = gettext_noop("Give as many values for 'std' as for 'mean', or neither.")
            problems = [Problem(f"{path}.std", sentence)]
        return problems

    @classmethod
    def check_value(cls, name: str, value: Any) -> str:
        if not is_list_of(is_number, value) or len(value) not in (0, 1, 3):
            return gettext_noop("Expected one number for each channel (1 or 3), or an empty list to measure it.")
        if name == "std" and any(part <= 0 for part in value):
            return gettext_noop("A standard deviation is above 0.")
        return ""

    def words(self) -> tuple[str, dict[str, Any]]:
        return (GIVEN, vars(self)) if self.mean else (MEASURED, {})

    def on_device(self, statistics: Statistics) -> dict[str, Any]:
        mean, std = (list(self.mean), list(self.std)) if self.mean else statistics
        return {"step": self.name, "mean": mean, "std": [part or 1.0 for part in std]}
