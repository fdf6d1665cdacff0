"""Lines of small charts that the server draws."""

from collections.abc import Iterable


def polyline(
    pairs: Iterable[tuple[float, float]],
    across: tuple[float, float],
    up: tuple[float, float],
    box: tuple[int, int],
) -> str:
    """`points` of pairs (x, y) in a `box` (width, height) showing x over `across` and y over `up`, both (low, high)."""
    wide, high = box[0] / ((across[1] - across[0]) or 1), (box[1] - 8) / ((up[1] - up[0]) or 1)
    return " ".join(f"{(x - across[0]) * wide:.1f},{box[1] - 4 - (y - up[0]) * high:.1f}" for x, y in pairs)
