"""What an fp16 loss is multiplied with, so that small gradients do not vanish and large ones do not overflow.

The rule of torch.amp.GradScaler, whose place is beside an optimizer: here gradients of all ranks are summed in a buffer
first, and every rank sees the same sum, so all ranks keep the same scale without asking each other.
"""

import math

FIRST, GROWS, FALLS = 2.0**16, 2.0, 0.5
GROWS_AFTER = 2000
"""steps without an overflow"""


class LossScale:
    """`value` is 1 when it is off."""

    def __init__(self, is_on: bool):
        self.is_on = is_on
        self.value = FIRST if is_on else 1.0
        self._held = 0

    def bears(self, norm: float) -> bool:
        """Whether gradients of this length are used; the scale follows."""
        if not self.is_on:
            return True
        if not math.isfinite(norm):
            self.value, self._held = self.value * FALLS, 0
            return False
        self._held += 1
        if self._held == GROWS_AFTER:
            self.value, self._held = self.value * GROWS, 0
        return True

    def state(self) -> list[float]:
        """For a checkpoint; [] when it is off."""
        return [self.value, self._held] if self.is_on else []

    def go_on_from(self, state: list[float]) -> None:
        if self.is_on and state:
            self.value, self._held = state[0], int(state[1])
