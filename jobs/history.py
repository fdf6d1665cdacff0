"""What a job leaves behind, as REST and the export show it."""

from datetime import UTC, datetime
from typing import Any

from django.db.models import QuerySet

from devices.models import Device
from jobs import file_store
from jobs.models import Artifact, Checkpoint, Evaluation, Job, LogRow, Transition
from jobs.queries import iso


def transition_json(row: Transition) -> dict[str, Any]:
    return {
        "number": row.number,
        "from": row.from_state,
        "to": row.to_state,
        "actor": row.actor,
        "user": row.user.username if row.user else None,
        "attempt": row.attempt.number if row.attempt else None,
        "reason": row.reason,
        "params": row.params,
        "seq": row.seq,
        "at": iso(row.at),
    }


def transitions_of(job: Job) -> QuerySet[Transition]:
    return Transition.objects.filter(job=job).select_related("user", "attempt").order_by("number")


def checkpoints_of(job: Job) -> list[dict[str, Any]]:
    rows = list(Checkpoint.objects.filter(job=job).select_related("attempt").order_by("step"))
    slugs = dict(Device.objects.values_list("pk", "slug"))
    return [
        {
            "step": row.step,
            "attempt": row.attempt.number,
            "manifest_hash": row.manifest_hash,
            "bytes": row.bytes,
            "state": row.state,
            "metrics": row.metrics,
            "holders": [slugs[device] for device in row.holders if device in slugs],
            "created_at": iso(row.created_at),
        }
        for row in rows
    ]


def log_lines(rows: QuerySet[LogRow]) -> list[dict[str, Any]]:
    found = []
    for row in rows.select_related("attempt"):
        same = {"seq": row.seq, "rank": row.rank, "attempt": row.attempt.number}
        for time, level, text in row.lines:
            found.append(same | {"time": _iso(time), "level": level, "text": text})
    return found


def shown_artifacts(job: Job) -> list[Artifact]:
    """Of each name the one of the last attempt that reported it."""
    newest: dict[str, Artifact] = {}
    for row in Artifact.objects.filter(job=job).select_related("attempt").order_by("attempt__number", "pk"):
        newest[row.name] = row
    return sorted(newest.values(), key=lambda row: row.name)


def is_here(row: Artifact) -> bool:
    """Whether the file itself lies on the server, verified."""
    return bool(row.sha256) and file_store.has("artifacts", row.sha256)


def artifact_json(row: Artifact) -> dict[str, Any]:
    """`url` answers with these facts, `download_url` with the file; both are null while it is not on the server."""
    url = f"/api/v1/jobs/{row.job_id}/artifacts/{row.pk}/" if is_here(row) else None
    return {
        "name": row.name,
        "format": row.format,
        "bytes": row.bytes,
        "sha256": row.sha256,
        "url": url,
        "download_url": url and f"{url}?download=1",
        "error": row.error,
        "attempt": row.attempt.number if row.attempt else None,
    }


def evaluations_of(job: Job) -> list[dict[str, Any]]:
    rows = Evaluation.objects.filter(job=job).select_related("device", "attempt").order_by("id")
    return [
        {
            "device": row.device.slug,
            "attempt": row.attempt.number if row.attempt else None,
            "artifact": row.artifact,
            "split": row.split,
            "samples": row.samples,
            "metrics": row.metrics,
            "at": iso(row.at),
        }
        for row in rows
    ]


def _iso(seconds: float) -> str | None:
    """Unix seconds of a device's clock; None for what is no time."""
    try:
        return iso(datetime.fromtimestamp(seconds, UTC))
    except (OverflowError, ValueError, OSError):
        return None
