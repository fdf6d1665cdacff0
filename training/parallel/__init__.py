"""How ranks share one model. Each method is one file with the interface of `ddp.DataParallel`."""

from collections.abc import Callable

from training.parallel.ddp import DataParallel

STRATEGIES: dict[str, Callable[..., DataParallel]] = {"ddp": DataParallel}
