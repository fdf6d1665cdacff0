"""Scale: from 0–255 to a range of floating-point numbers, on the device."""

from dataclasses import dataclass
from typing import Any, ClassVar

from contract.problems import gettext_noop
from recipes.steps.base import DeviceStep, Statistics, is_list_of, is_number


@dataclass(frozen=True)
class Scale(DeviceStep):
    """value / 255 × (high − low) + low"""

    name: ClassVar[str] = "scale"
    about: ClassVar[str] = gettext_noop("Bring pixels from 0–255 to another range.")
    sentence: ClassVar[str] = gettext_noop("Scale pixels from 0–255 to %(low)s–%(high)s (on the device).")
    to: tuple[float, float] = (0, 1)

    @classmethod
    def check_value(cls, name: str, value: Any) -> str:
        if is_list_of(is_number, value, 2) and -1e6 <= value[0] < value[1] <= 1e6:
            return ""
        return gettext_noop("Expected [low, high], two numbers, the lower one first.")

    def words(self) -> tuple[str, dict[str, Any]]:
        return self.sentence, {"low": self.to[0], "high": self.to[1]}

    def on_device(self, statistics: Statistics) -> dict[str, Any]:
        return self.to_json()

    def statistics_after(self, statistics: Statistics) -> Statistics:
        low, high = self.to
        factor = (high - low) / 255
        return Statistics([mean * factor + low for mean in statistics.mean], [std * factor for std in statistics.std])
