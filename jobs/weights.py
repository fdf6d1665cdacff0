"""Files of a model as a device fetches them: what a job left, a checkpoint of it, and what it began with itself.

Each file is named {"name", "sha256", "bytes", "kind"}; `kind` is the folder of `file_store` in which it lies.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jobs import checkpoints, file_store
from jobs.models import Artifact, Checkpoint, Job

WEIGHTS, CONFIG = MODEL_FILES = ("model.safetensors", "config.json")
OF_A_CHECKPOINT = (WEIGHTS, CONFIG, "average.safetensors")
"""all of it but what only training needs"""


def artifacts_of(source: Job | None, *more: str) -> list[Artifact]:
    """The model that a job left, as the files from which others start, and those called `more`; [] for no job."""
    if source is None:
        return []
    whole = source.artifacts.exclude(verified_at=None).filter(name__in=(*MODEL_FILES, *more))
    newest = whole.order_by("-attempt__number").values_list("attempt", flat=True).first()
    return list(whole.filter(attempt=newest))


def named(files: Iterable[Artifact]) -> list[dict[str, Any]]:
    return [_file("artifacts", row.name, row.sha256, row.bytes) for row in files]


def of_checkpoint(row: Checkpoint) -> list[dict[str, Any]]:
    kept = [file for file in row.manifest["files"] if file["name"] in OF_A_CHECKPOINT]
    return [_file("checkpoints", file["name"], file["sha256"], file["bytes"]) for file in kept]


def checkpoint_here(job: Job, step: int) -> Checkpoint | None:
    """The checkpoint of this step that lies on the server; None where there is none."""
    rows = job.checkpoints.filter(step=step, state__in=checkpoints.USABLE).order_by("-id")
    return next((row for row in rows if checkpoints.on_server(row)), None)


def checkpoints_here(job: Job) -> list[Checkpoint]:
    """Those that lie on the server, the newest first; one of each step."""
    rows = {row.step: row for row in job.checkpoints.filter(state__in=checkpoints.USABLE) if checkpoints.on_server(row)}
    return [rows[step] for step in sorted(rows, reverse=True)]


def began_with(job: Job) -> list[dict[str, Any]]:
    """The files from which a job with a source goes on: as noted when it got its first devices, and until then what
    its source has to give now. [] for a job without a source."""
    if job.began_with or job.source is None:
        return job.began_with
    step = job.spec["model"].get("step", 0)
    row = checkpoint_here(job.source, step) if step else None
    return of_checkpoint(row) if row else named(artifacts_of(job.source))


def keep_beginning(job_id: int) -> None:
    """Note what the job begins with, so that later attempts, and whoever asks what training changed, take the same."""
    for job in Job.objects.filter(pk=job_id, began_with=[]).exclude(source=None).select_related("source"):
        Job.objects.filter(pk=job_id).update(began_with=began_with(job))


def paths(files: Iterable[dict[str, Any]]) -> dict[str, Path]:
    """Where each file lies, by its hash."""
    return {file["sha256"]: file_store.path_of(file["kind"], file["sha256"]) for file in files}


def missing(files: Iterable[dict[str, Any]]) -> list[str]:
    """Names of those that do not lie on the server (any more)."""
    return [file["name"] for file in files if not file_store.has(file["kind"], file["sha256"])]


def wire(files: Iterable[dict[str, Any]], model_hash: str = "") -> dict[str, Any]:
    """What an assignment says of them; `model_hash`: under which a device keeps them for the next time."""
    told = [{name: file[name] for name in ("name", "sha256", "bytes")} for file in files]
    return ({"files": told} | ({"hash": model_hash} if model_hash else {})) if told else {}


def _file(kind: str, name: str, sha256: str, size: int) -> dict[str, Any]:
    return {"name": name, "sha256": sha256, "bytes": size, "kind": kind}
