"""How long to wait before asking a server again that did not answer."""

import random

from contract.timing import RETRY_S


class Backoff:
    """Doubles from 0.5 s to 15 s, each wait shortened at random by up to half, so that devices do not come at once."""

    def __init__(self, shortest: float = RETRY_S[0], longest: float = RETRY_S[1]):
        self.shortest, self.longest = shortest, longest
        self.wait = shortest

    def next(self) -> float:
        """Seconds to wait now."""
        wait, self.wait = self.wait, min(self.wait * 2, self.longest)
        return wait * random.uniform(0.5, 1)  # noqa: S311 - spreads calls, keeps no secret

    def reset(self) -> None:
        self.wait = self.shortest
