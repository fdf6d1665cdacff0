"""How fast each rank is, as all of them know it: for whom the others wait and why, and what `balance.py` shares by.

Each rank tells its seconds with every exchange, so all ranks compute the same from the same numbers and need no word
more. Only ranks that work apart between exchanges (ddp) can be told from each other by their seconds.
"""

from dataclasses import dataclass

from training.balance import Balance

FACTS = 3
"""numbers of a rank: seconds it took to read, to compute, and to wait in the exchange of the step before"""
SMOOTHING = 0.1
WARM_UP_STEPS = 5
TELLING = 0.15
"""of a step that the slow one costs the others, from which it is named"""


@dataclass(frozen=True)
class Slow:
    """`cause`: data, compute or exchange (then of no rank: -1). `cost`: share of every step that it takes."""

    rank: int
    cause: str
    cost: float
    seconds: float
    others: float


class Pace:
    def __init__(self, rank: int, world_size: int):
        self._rank, self._ranks = rank, world_size
        self._waited = 0.0
        self._heard = 0
        self._seconds = [0.0] * (FACTS * world_size)
        self._balance = Balance(world_size)

    def tell(self, reading: float, computing: float) -> tuple[float, ...]:
        """This rank's numbers in their place, zeros in those of the others."""
        numbers = [0.0] * (FACTS * self._ranks)
        numbers[FACTS * self._rank : FACTS * (self._rank + 1)] = reading, computing, self._waited
        return tuple(numbers)

    def hear(self, numbers: list[float], samples: list[int], waited: float) -> None:
        """What all told of a step in which each rank had so many samples; `waited`: this one in its exchange."""
        self._waited = waited
        self._heard += 1
        if self._heard <= WARM_UP_STEPS:
            return
        first = self._heard == WARM_UP_STEPS + 1
        for place, number in enumerate(numbers):
            self._seconds[place] = number if first else _smoothed(self._seconds[place], number)
        data, compute, wait = (numbers[kind::FACTS] for kind in range(FACTS))
        busy = [sum(pair) for pair in zip(data, compute, strict=True)]
        self._balance.hear(busy, busy[0] + wait[0], samples)

    def better_shares(self, shares: list[float]) -> list[float] | None:
        """Other shares for the next step, when they are worth a trial or a trial has failed."""
        return self._balance.better(shares)

    def slow(self) -> Slow | None:
        """What costs the others most, when it is worth a word."""
        if self._ranks == 1 or self._heard <= 2 * WARM_UP_STEPS:
            return None
        data, compute, wait = (self._seconds[kind::FACTS] for kind in range(FACTS))
        busy = [sum(pair) for pair in zip(data, compute, strict=True)]
        worst = max(range(self._ranks), key=lambda rank: busy[rank])
        others = (sum(busy) - busy[worst]) / (self._ranks - 1)
        exchange = min(wait)
        step = busy[worst] + exchange
        if busy[worst] - others > TELLING * step:
            more_data = data[worst] - (sum(data) - data[worst]) / (self._ranks - 1)
            cause = "data" if more_data > (busy[worst] - others) / 2 else "compute"
            return Slow(worst, cause, (busy[worst] - others) / step, busy[worst], others)
        if exchange > 0.5 * step:
            return Slow(-1, "exchange", exchange / step, exchange, busy[worst])
        return None


def _smoothed(before: float, now: float) -> float:
    return before + SMOOTHING * (now - before)
