"""Everything that a report says of a job, as JSON: nothing is computed where it is written."""

from collections.abc import Callable
from typing import Any

from catalog import recipes
from config import release
from jobs import clock, history, queries, requirements, task_metrics
from jobs.metrics import reduce
from jobs.metrics.read import Wanted
from jobs.models import Job

FORMAT = 1
POINTS = 400
"""of a line; every smallest and largest value is among them"""
Source = Callable[[Job], dict[str, Any]]
more: list[Source] = []
"""what apps upstairs know of a job, each under keys of its own"""


def facts_of(job: Job) -> dict[str, Any]:
    """Format 1: additions only."""
    attempt = job.attempts.order_by("-number").first()
    ranks = list(attempt.ranks.select_related("device__host")) if attempt else []
    known: dict[str, Any] = {
        "format": FORMAT,
        "made_at": queries.iso(clock.now()),
        "fleetune": release.running()._asdict(),
        "job": _job(job),
        "summary": job.summary,
        "requirements": requirements.verdicts(job),
        "evaluations": history.evaluations_of(job),
        "charts": _charts(job),
        "made_from": _made_from(job),
        "privacy": privacy_of(job),
        "proved_hashes": _proved(job),
        "files": [history.artifact_json(row) for row in history.shown_artifacts(job)],
        "devices": [
            {"rank": rank.rank, "device": rank.device.slug, "host": rank.device.host.name}
            | {"environment": rank.device.host.environment}
            for rank in ranks
        ],
        "attempts": [_attempt(one) for one in job.attempts.order_by("number")],
        "settings": queries.public_spec(job.spec),
    }
    for source in more:
        known |= source(job)
    return known


def _job(job: Job) -> dict[str, Any]:
    row = queries.job_row(job)
    names = ("id", "name", "state", "owner", "created_at", "started_at", "ended_at")
    told = {name: row[name] for name in names}
    return told | {
        "task": job.task,
        "sentence": row["state_line"]["text"],
        "steps": job.step,
        "seconds": requirements.seconds_of(job),
    }


def _charts(job: Job) -> list[dict[str, Any]]:
    """Each key of the job's charts with a line for each rank that has more than one point."""
    keys = list(dict.fromkeys(key for chart in task_metrics.charts(job) for key in chart["keys"].split()))
    found = reduce.overview(Wanted(job.pk, keys), POINTS)
    charts = []
    for key in keys:
        lines = [
            {"rank": rank, "steps": one.points.steps.tolist(), "values": one.points.values.tolist()}
            for (rank, name), one in sorted(found.items())
            if name == key and len(one.points) > 1
        ]
        charts += [{"key": key, "lines": lines}] if lines else []
    return charts


def _made_from(job: Job) -> dict[str, Any]:
    version, manifest = job.version, job.prepared.manifest or {}
    return {
        "dataset": version.dataset.slug,
        "version": version.number,
        "data_hash": version.content_hash,
        "splits": {name: split.get("count", 0) for name, split in version.splits.items()},
        "sensitive": version.dataset.sensitive,
        "recipe": queries.public_spec(job.spec)["recipe"],
        "obfuscation": manifest.get("obfuscation", []),
        "obfuscation_words": recipes.obfuscation(manifest),
        "prepared_hash": job.prepared.hash,
        "model": job.spec["model"],
        "source_job": job.source_id,
        "seed": job.spec["training"]["seed"],
    }


def _proved(job: Job) -> dict[str, dict[str, str]]:
    """Hashes that every device had in common, by stage."""
    return {
        stage: {name: value for name, value in proof.items() if name.endswith("_hash")}
        for stage, ranks in job.proofs.items()
        for proof in list(ranks.values())[:1]
    }


def privacy_of(job: Job) -> dict[str, Any]:
    """What a private training spent and how, as it told at its end, and of how many samples; {} for any other."""
    told = (facts["privacy"] for facts in job.proofs.get("fine_tune", {}).values() if "privacy" in facts)
    spent = next(told, None)
    return {"samples": job.version.splits.get("train", {}).get("count", 0), **spent} if spent else {}


def _attempt(attempt: Any) -> dict[str, Any]:
    told = {name: getattr(attempt, name) for name in ("number", "state", "end_reason", "world_size")}
    return told | {name: queries.iso(getattr(attempt, name)) for name in ("started_at", "ended_at")}
