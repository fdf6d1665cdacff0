"""How ranks share one model. Each strategy is one file with the interface of `strategy.Strategy`."""

from training.parallel.ddp import DataParallel
from training.parallel.fsdp import FullySharded
from training.parallel.local_sgd import LocalSGD
from training.parallel.pipeline import Pipeline
from training.parallel.strategy import Strategy
from training.parallel.tensor import TensorParallel

STRATEGIES: dict[str, type[Strategy]] = {
    "ddp": DataParallel,
    "fsdp": FullySharded,
    "tensor": TensorParallel,
    "pipeline": Pipeline,
    "local-sgd": LocalSGD,
}


def strategy_of(name: str, world_size: int) -> type[Strategy]:
    """The strategy called `name`; one rank alone shares nothing and trains plainly."""
    return STRATEGIES[name] if world_size > 1 else DataParallel
