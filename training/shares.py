"""How sure a share of rows is: exact binomial intervals (Clopper & Pearson, 1934), 95 of 100 hold the true share."""

from typing import Any

LEVEL = 0.95


def share(hits: int, n: int) -> dict[str, Any]:
    """value, low, high and n of `hits` in `n` rows (n ≥ 1)."""
    from scipy.special import betaincinv  # slow to import, and only measurements need it

    tail = (1 - LEVEL) / 2
    low = float(betaincinv(hits, n - hits + 1, tail)) if hits else 0.0
    high = float(betaincinv(hits + 1, n - hits, 1 - tail)) if hits < n else 1.0
    return {"value": hits / n, "low": low, "high": high, "n": n}
