"""How ranks share one model. Each strategy is one file with the interface of `strategy.Strategy`."""

from training.parallel.ddp import DataParallel
from training.parallel.strategy import Strategy

STRATEGIES: dict[str, type[Strategy]] = {"ddp": DataParallel}


def strategy_of(name: str, world_size: int) -> type[Strategy]:
    """The strategy called `name`; one rank alone shares nothing and trains plainly."""
    return STRATEGIES[name] if world_size > 1 else DataParallel
