"""Answers of devices that were tested, as their ranks give them."""

from typing import Any

from checks.seen import ANSWERED, Seen

GIB = 1 << 30
HASH = "a" * 64


def link(**more: Any) -> dict[str, Any]:
    """One direction of a pair."""
    return {"latency_seconds": 0.0002, "bytes_per_second": 1e8, "clock_offset_seconds": 0.001, "rounds": 50} | more


def checks(rank: int = 0, world_size: int = 2, **changed: dict[str, Any]) -> dict[str, Any]:
    """What a device finds when everything fits; `changed` replaces whole checks."""
    to = {str(other): link() for other in range(world_size) if other != rank}
    found: dict[str, Any] = {
        "disk": {"ok": True, "free_bytes": 100 * GIB, "data_bytes": 10_000},
        "data": {"ok": True, "hash": HASH, "samples": 100},
        "model": {"ok": True, "hash": "b" * 64, "weights": "c" * 64},
        "meet": {"ok": True, "seconds": 0.1, "address": "127.0.0.1"},
        "links": {"ok": True, "to": to},
        "others": {"ok": True, "unable": {}},
        "exchange": {"ok": True, "small": {"seconds": 0.0003}, "large": {"seconds": 0.004}, "backend": "gloo"},
        "step": {"ok": True, "hash": "d" * 64, "max_difference": 0.0, "loss": 2.3, "samples": 32},
        "answers": {
            "ok": True,
            "hash": "e" * 64,
            "max_difference": 0.0,
            "artifact": "model.onnx",
            "parity": {"passed": True},
        },
    }
    return found | changed


def device(slug: str, rank: int = 0, state: str = ANSWERED, environment: dict | None = None, **changed: Any) -> Seen:
    """One that answered, `changed` as in `checks`."""
    here = {"torch": "2.13.0+cpu", "python": "3.11.7", "platform": "linux", "agent": "f00"} | (environment or {})
    return Seen(slug, state, rank, "", "", {"ok": True, "checks": checks(rank, **changed)}, here)


def trained(*rates: float, batch: int = 64) -> dict[str, Any]:
    """Of one training of the speed test."""
    return {"samples_per_second": list(rates), "steps": 30, "batch": batch, "loss_first": 2.3, "loss_last": 1.0}
