"""Reliability as numbers: do devices and formats answer alike, how far do seeds spread, what did the job go through."""

from typing import Any

import numpy as np

from contract.tasks import TASKS
from jobs.models import Evaluation, Job, Rank
from jobs.states import JobState
from results.answers import Answers
from results.models import Measurement, ResultVersion

NEAR = 1e-3
"""of the spread of answers: two numbers that differ by less are the same answer"""
MOST_COMPARED = 12
MOST_JOBS = 500


def of(version: ResultVersion, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """agreement (of answers, measurement by measurement with the first), spread (of the leading metric over devices),
    seeds (jobs that differ in nothing else), restarts, batches_missing."""
    return {
        "agreement": agreement(rows),
        "spread": spread(TASKS[version.result.task].headline, rows),
        "seeds": seeds(version),
        **_life(version.job),
    }


def agreement(rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Share of samples that get the same answer as from the first measurement, by file, split and device."""
    told = [row for row in rows if row["rows_of"]]
    told = [row for row in told if row["split"] == told[0]["split"]][:MOST_COMPARED]
    if len(told) < 2:
        return None
    answers = [Answers(found) for found in _measurements(told)]
    first = answers[0].columns["answer"]
    compared = [
        {"artifact": row["artifact"], "device": row["device"], **_alike(first, other.columns["answer"])}
        for row, other in zip(told[1:], answers[1:], strict=True)
        if len(other) == len(first)
    ]
    reference = {name: told[0][name] for name in ("artifact", "device", "split")}
    return {"reference": reference, "rows": len(first), "compared": compared}


def spread(metric: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """By file and split that several devices measured: lowest, highest and number of the leading metric."""
    found: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        if metric in row["metrics"]:
            found.setdefault((row["artifact"], row["split"]), []).append(row["metrics"][metric])
    return [
        {"artifact": artifact, "split": split, "lowest": min(values), "highest": max(values), "devices": len(values)}
        for (artifact, split), values in found.items()
        if len(values) > 1
    ]


def seeds(version: ResultVersion) -> dict[str, Any] | None:
    """The leading metric of succeeded jobs on the same prepared data whose specs differ in the seed alone."""
    job, metric = version.job, TASKS[version.result.task].headline
    mine = without_seed(job.spec)
    others = Job.objects.filter(prepared=job.prepared_id, state=JobState.SUCCEEDED, removed_at=None)
    specs = others.order_by("-pk").values_list("pk", "spec")[:MOST_JOBS]
    alike = {pk: spec["training"]["seed"] for pk, spec in specs if without_seed(spec) == mine}
    measured = Evaluation.objects.filter(job__in=alike, metrics__has_key=metric).order_by("id")
    values = {alike[row.job_id]: row.metrics[metric] for row in measured}
    if len(values) < 2:
        return None
    found = np.array(list(values.values()))
    ends = {"lowest": float(found.min()), "highest": float(found.max())}
    return {"metric": metric, "seeds": len(found), "mean": float(found.mean()), "sd": float(found.std(ddof=1)), **ends}


def without_seed(spec: dict[str, Any]) -> dict[str, Any]:
    """All that decides a result besides chance: neither names nor where and when it ran."""
    kept = ("task", "recipe", "model", "method", "parallel", "training", "evaluation", "security")
    parts = {name: spec.get(name) for name in kept}
    return parts | {"training": {name: value for name, value in spec["training"].items() if name != "seed"}}


def _life(job: Job) -> dict[str, int]:
    """restarts: attempts after the first; batches_missing: of points, told by ranks of the last attempt, not stored."""
    attempts = job.attempts.count()
    last = Rank.objects.filter(attempt__job=job, attempt__number=attempts, exit_report__isnull=False)
    told = [(rank.exit_report or {}).get("last_batch", 0) - rank.last_batch for rank in last]
    return {"restarts": max(0, attempts - 1), "batches_missing": sum(max(0, missing) for missing in told)}


def _measurements(rows: list[dict[str, Any]]) -> list[Measurement]:
    found = Measurement.objects.in_bulk([row["rows_of"] for row in rows])
    return [found[row["rows_of"]] for row in rows]


def _alike(first: np.ndarray, other: np.ndarray) -> dict[str, Any]:
    """equal (samples), share"""
    if np.issubdtype(first.dtype, np.integer):
        same = first == other
    else:
        same = np.abs(first - other) <= NEAR * max(float(first.std()), 1e-12)
    return {"equal": int(same.sum()), "share": float(same.mean())}
