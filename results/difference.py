"""Did fine-tuning help? The model before it and after it on the same rows, as a difference with its interval."""

import math
from functools import lru_cache
from typing import Any

import numpy as np

from contract.tasks import TASKS
from results.answers import Answers
from results.models import Measurement, ResultVersion

RESAMPLES = 1000
SEED = 0
KEPT = 256


def fine_tuning(version: ResultVersion, rows: list[dict[str, Any]], starts: list[dict[str, Any]]) -> dict[str, Any]:
    """runs (measurements of the model before), and of the newest one that is done and a file that was measured on the
    same split: metric, before, after, difference, low, high, n, verdict (helped, harmed or unclear)."""
    return {"runs": starts, "difference": _newest(version, rows, starts)}


def _newest(version: ResultVersion, rows: list[dict[str, Any]], starts: list[dict[str, Any]]) -> dict[str, Any] | None:
    done = [run for run in starts if run["rows_of"]]
    after = [row for row in rows if row["rows_of"] and done and row["split"] == done[-1]["split"]]
    if not after:
        return None
    same_bits = [row for row in after if row["artifact"].endswith(".safetensors")] or after
    return compared(version.result.task, done[-1], same_bits[-1])


def compared(task: str, before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any] | None:
    """Two measurements (as REST shows them) by the leading metric of the task; `after` minus `before`."""
    facts = TASKS[task]
    values = {"before": before["metrics"].get(facts.headline), "after": after["metrics"].get(facts.headline)}
    if None in values.values():
        return None
    told = tuple((one["rows_of"], one["at"]) for one in (before, after))
    interval = _paired(*told, root=facts.headline == "rmse")
    interval = interval or _from_intervals(facts.headline, before, after)
    better = (False, False) if interval["low"] is None else (interval["low"] > 0, interval["high"] < 0)
    helped, harmed = better if facts.higher_is_better else better[::-1]
    return {
        "metric": facts.headline,
        **values,
        "difference": values["after"] - values["before"],
        **interval,
        "verdict": "helped" if helped else ("harmed" if harmed else "unclear"),
        "of": {"before": before["rows_of"], "after": after["rows_of"]},
    }


@lru_cache(maxsize=KEPT)
def _paired(before: tuple[int, str], after: tuple[int, str], *, root: bool) -> dict[str, Any] | None:
    """Both (number and time of a measurement) are resampled by the same draws of rows. None where the leading metric
    is no sum over rows."""
    found = Measurement.objects.in_bulk([number for number, _at in (before, after)])
    both = [Answers(found[number]).columns for number, _at in (before, after)]
    if any("score" not in columns or "weight" not in columns for columns in both):
        return None
    scores = [(columns["score"].astype(float), columns["weight"].astype(float)) for columns in both]
    count = len(scores[0][0])
    if len(scores[1][0]) != count:
        return None
    generator = np.random.default_rng(SEED)
    differences = []
    for _resample in range(RESAMPLES):
        drawn = np.bincount(generator.integers(0, count, count), minlength=count)
        first, second = (float(drawn @ score) / max(float(drawn @ weight), 1e-12) for score, weight in scores)
        differences.append(math.sqrt(second) - math.sqrt(first) if root else second - first)
    low, high = np.quantile(differences, [0.025, 0.975])
    return {"low": float(low), "high": float(high), "n": count, "paired": True}


def _from_intervals(metric: str, before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """As of two independent samples: wider than pairs would give."""
    ends = [row["details"]["intervals"].get(metric, {}) for row in (before, after)]
    difference = after["metrics"][metric] - before["metrics"][metric]
    if any(one.get("low") is None for one in ends):
        return {"low": None, "high": None, "n": ends[0].get("n", 0), "paired": False}
    down = math.hypot(after["metrics"][metric] - ends[1]["low"], ends[0]["high"] - before["metrics"][metric])
    up = math.hypot(ends[1]["high"] - after["metrics"][metric], before["metrics"][metric] - ends[0]["low"])
    return {"low": difference - down, "high": difference + up, "n": ends[1]["n"], "paired": False}
