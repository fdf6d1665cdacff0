"""One lane per device of the last attempt: where it is, how fast, and where the time of a step goes."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from jobs.models import Attempt, Head, Rank
from jobs.states import ENDED, JobState

PARTS = ("data", "compute", "wait")
BAR_WIDTH = 160
"""of the bar that divides a step's time, in SVG units"""


@dataclass(frozen=True)
class Lane:
    rank: Rank
    state: str
    step: int
    samples_per_second: float | None
    step_seconds: float | None
    parts: list[dict[str, Any]]
    """name, seconds, x and width in the bar"""
    last_at: datetime | None


def of(attempt: Attempt | None) -> list[Lane]:
    if attempt is None:
        return []
    heads = dict(Head.objects.filter(job_id=attempt.job_id).values_list("rank", "keys"))
    return [_lane(attempt, rank, heads.get(rank.rank, {})) for rank in attempt.ranks.all()]


def _lane(attempt: Attempt, rank: Rank, keys: dict[str, Any]) -> Lane:
    seconds = {part: _last(keys, f"train/{part}_seconds") for part in PARTS}
    loss = keys.get("train/loss")
    return Lane(
        rank=rank,
        state=_state(attempt, rank),
        step=max(rank.step, loss["step"] if loss else 0),
        samples_per_second=_last(keys, "train/samples_per_second"),
        step_seconds=_last(keys, "train/step_seconds"),
        parts=_bar(seconds),
        last_at=datetime.fromtimestamp(loss["time"] / 1000, UTC) if loss else None,
    )


def _state(attempt: Attempt, rank: Rank) -> str:
    if attempt.ended_at is not None or attempt.state in ENDED:
        return attempt.state
    return JobState.STARTING if attempt.state == JobState.CLAIMED and rank.acknowledged_at else attempt.state


def _last(keys: dict[str, Any], key: str) -> float | None:
    value = keys.get(key, {}).get("value")
    return value if isinstance(value, int | float) else None


def _bar(seconds: dict[str, float | None]) -> list[dict[str, Any]]:
    known = {name: max(value, 0.0) for name, value in seconds.items() if value is not None}
    total = sum(known.values())
    bar, x = [], 0.0
    for name, value in known.items():
        width = BAR_WIDTH * value / total if total else 0.0
        bar.append({"name": name, "seconds": value, "x": f"{x:.1f}", "width": f"{width:.1f}"})
        x += width
    return bar
