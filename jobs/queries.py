"""How a job looks to its readers: what REST, pages and sockets show comes from here."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet, prefetch_related_objects
from django.utils import timezone

from catalog import recipes
from catalog.models import DatasetVersion
from jobs import requirements, sentences
from jobs.models import Attempt, Job, Rank
from jobs.planning import forecasts
from jobs.states import ENDED, JobState

QUEUE_ORDER = ("demo", "-priority", "position", "id")
"""Who goes first: the scheduler's own order."""
MEASURED_STEPS = 20
"""Before so many steps of an attempt nobody knows how fast it is."""


def rows(jobs: Sequence[Job]) -> list[dict[str, Any]]:
    """Jobs of one page of a list."""
    prefetch_related_objects(jobs, "project", "owner", "version__dataset", "attempts__ranks__device")
    return [job_row(job) for job in jobs]


def with_parts(jobs: QuerySet[Job]) -> QuerySet[Job]:
    """The same jobs with all that `job_json` and `job_row` look at, in six queries however many they are."""
    related = jobs.select_related("project", "owner", "version__dataset", "prepared", "removed_by", "forecast")
    return related.prefetch_related("attempts__ranks__device__host")


def job_json(job: Job) -> dict[str, Any]:
    """All of a job: the answer of `/api/v1/jobs/{id}/` and the `job` of a socket's `state`."""
    row = job_row(job)
    return row | {
        "task": job.task,
        "requirements": requirements.verdicts(job),
        "reason_params": job.reason_params,
        "reason_actions": row["state_line"]["actions"],
        "attempts": [_attempt(attempt) for attempt in job.attempts.all()],
        "proofs": job.proofs,
        "spec": job.spec,
        "model": job.spec["model"],
        "source": job.source_id,
        "prepared": {"hash": job.prepared.hash, "state": job.prepared.state, "progress": job.prepared.progress},
        "steps_per_epoch": job.steps_per_epoch,
        "epoch": job.step / job.steps_per_epoch if job.steps_per_epoch else None,
        "not_before": iso(job.not_before),
        "failures": job.failures,
        "removed_at": iso(job.removed_at),
        "forecast": forecasts.to_json(job),
    }


def public_spec(spec: dict[str, Any]) -> dict[str, Any]:
    """A spec as it leaves the server, for devices and in exports: without what a recipe keeps here."""
    return spec | {"recipe": recipes.without_private(spec["recipe"])} if spec.get("recipe") else spec


def job_row(job: Job) -> dict[str, Any]:
    """A job as one line of a list."""
    summary, strange = _summary(job)
    return {
        "id": job.pk,
        "url": f"/jobs/{job.pk}/",
        "name": job.name,
        "project": job.project.slug,
        "owner": job.owner.username,
        "tags": job.tags,
        "state": job.state,
        "state_line": sentences.state_line(job),
        "wait_reason": job.wait_reason,
        "end_reason": job.end_reason,
        "stage": job.stage,
        "activity": job.activity,
        "progress": progress(job),
        "eta_seconds": eta_seconds(job),
        "step": job.step,
        "total_steps": job.total_steps,
        "dataset": _dataset(job.version),
        "devices": devices(job),
        "summary": summary,
        "summary_not_finite": strange,
        "priority": job.priority,
        "demo": job.demo,
        "colour": job.colour,
        "archived": job.archived,
        "seq": job.seq,
        "created_at": iso(job.created_at),
        "started_at": iso(job.started_at),
        "ended_at": iso(job.ended_at),
    }


def progress(job: Job) -> float:
    """0 to 1, by steps."""
    if job.state == JobState.SUCCEEDED:
        return 1.0
    return min(1.0, job.step / job.total_steps) if job.total_steps else 0.0


def eta_seconds(job: Job) -> float | None:
    """Seconds to the last step at the speed of the open attempt; None while that is not known."""
    attempt = _open_attempt(job)
    if attempt is None or attempt.started_at is None or not job.total_steps:
        return None
    done = job.step - (attempt.resumed_from_step or 0)
    if done < MEASURED_STEPS:
        return None
    seconds = (timezone.now() - attempt.started_at).total_seconds()
    return round(seconds / done * max(0, job.total_steps - job.step), 1)


def devices(job: Job) -> list[str]:
    """Slugs: those of the last attempt, else those that the spec names."""
    attempts = list(job.attempts.all())
    if attempts:
        return [rank.device.slug for rank in attempts[-1].ranks.all()]
    return list(job.spec["devices"]["ids"])


def iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _dataset(version: DatasetVersion) -> dict[str, Any]:
    named = {"slug": version.dataset.slug, "name": version.dataset.name}
    return named | {"version": version.number, "hash": version.content_hash}


def _summary(job: Job) -> tuple[dict[str, float | None], dict[str, str]]:
    strange = {key: value for key, value in job.summary.items() if isinstance(value, str)}
    return {key: None if key in strange else value for key, value in job.summary.items()}, strange


def _open_attempt(job: Job) -> Attempt | None:
    if job.state in ENDED:
        return None
    return next((attempt for attempt in job.attempts.all() if attempt.ended_at is None), None)


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "state": attempt.state,
        "end_reason": attempt.end_reason,
        "reason_params": attempt.reason_params,
        "world_size": attempt.world_size,
        "resumed_from_step": attempt.resumed_from_step,
        "created_at": iso(attempt.created_at),
        "started_at": iso(attempt.started_at),
        "ended_at": iso(attempt.ended_at),
        "ranks": [_rank(rank) for rank in attempt.ranks.all()],
    }


def _rank(rank: Rank) -> dict[str, Any]:
    return {
        "rank": rank.rank,
        "device": rank.device.slug,
        "device_name": rank.device.name,
        "host": rank.device.host.name,
        "pid": rank.process.get("pid"),
        "step": rank.step,
        "stage": rank.stage,
        "activity": rank.activity,
        "activity_progress": rank.activity_progress,
        "proofs": rank.proofs,
        "gone": rank.gone_at is not None,
    }
