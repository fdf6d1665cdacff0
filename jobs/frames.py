"""The messages of a job's websocket. Each says with `first_seq` and `seq` what a reader has when it has taken it.

Readers take messages in order and apply each: points merge by (rank, key, step), log lines by their own `seq`, a state
replaces the one before. So a message that comes twice does no harm, and one may carry more than its numbers claim.
"""

from collections.abc import Iterable
from typing import Any

from jobs.models import LogRow

Message = dict[str, Any]


def points_frame(seq: int, series: list[dict[str, Any]]) -> Message:
    return {"type": "points", "first_seq": seq, "seq": seq, "series": series}


def log_frame(seq: int, lines: list[dict[str, Any]]) -> Message:
    return {"type": "log", "first_seq": seq, "seq": seq, "lines": lines}


def state_frame(seq: int, job: dict[str, Any]) -> Message:
    return {"type": "state", "first_seq": seq, "seq": seq, "job": job}


def withdrawn_frame(seq: int, step: int) -> Message:
    """Points past `step` are no longer part of the job."""
    return {"type": "withdrawn", "first_seq": seq, "seq": seq, "step": step}


def lines_of(row: LogRow) -> list[dict[str, Any]]:
    return [
        {"seq": row.seq, "rank": row.rank, "time": time, "level": level, "text": text}
        for time, level, text in row.lines
    ]


def merged(frames: Iterable[Message], last: int, until: int) -> list[Message]:
    """At most one message of each type between two withdrawals, in the order in which the types first appear.

    `frames` hold all that came after `last` up to `until`, in order. A message claims no more than what has been sent
    once it is out: up to just before the first frame that only a later message holds.
    """
    messages = [group for run in _between_withdrawals(frames) for group in _by_type(run)]
    starts = [min(frame["first_seq"] for frame in group) for group in messages]
    result = []
    for index, group in enumerate(messages):
        seq = max(last, min(starts[index + 1 :], default=until + 1) - 1)
        result.append(_one(group) | {"first_seq": last + 1, "seq": seq})
        last = seq
    return result


def _by_type(run: list[Message]) -> list[list[Message]]:
    groups: dict[str, list[Message]] = {}
    for frame in run:
        groups.setdefault(frame["type"], []).append(frame)
    return list(groups.values())


def _between_withdrawals(frames: Iterable[Message]) -> Iterable[list[Message]]:
    run: list[Message] = []
    for frame in frames:
        if frame["type"] == "withdrawn":
            if run:
                yield run
            yield [frame]
            run = []
        else:
            run.append(frame)
    if run:
        yield run


def _one(frames: list[Message]) -> Message:
    """One message with what all of `frames`, of one type, say."""
    last = frames[-1]
    if len(frames) == 1 or last["type"] in ("state", "withdrawn"):
        return last
    if last["type"] == "log":
        return last | {"lines": [line for frame in frames for line in frame["lines"]]}
    return last | {"series": _joined_series(series for frame in frames for series in frame["series"])}


def _joined_series(parts: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    joined: dict[tuple[int, str], dict[str, Any]] = {}
    for part in parts:
        whole = joined.get((part["rank"], part["key"]))
        if whole is None:
            joined[part["rank"], part["key"]] = {
                name: list(value) if isinstance(value, list) else value for name, value in part.items()
            }
            continue
        for name in ("steps", "values", "times"):
            whole[name] += part[name]
        if "not_finite" in part:
            whole["not_finite"] = [*whole.get("not_finite", []), *part["not_finite"]]
    return list(joined.values())
