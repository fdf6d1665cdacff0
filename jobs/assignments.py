"""What a device should be doing now, as its agent is told: one lease at most, and data to have ahead of time."""

from typing import Any

from catalog import recipes
from catalog.models import BaseModel, PreparedData, PreparedState, Readiness
from contract.agent_calls import Assignment, Assignments
from devices import leases
from devices.models import Device
from jobs import attempts, base_models
from jobs.agent_access import ATTEMPT, ERRAND
from jobs.models import Artifact, Errand, ErrandState, Job, Rank
from jobs.wishes import Wish

MODEL_FILES = ("model.safetensors", "config.json")
REFERENCE = "reference.safetensors"
"""what the trained model itself answered to the first rows of the evaluated split"""

TOLD = ("artifact", "split", "suites", "manifest", "input")
"""of an errand's payload beside its spec and data"""


def of_device(device: Device) -> Assignments:
    """All of it. An attempt that has ended is listed as `stop` for as long as the device holds its lease."""
    lease = leases.holder(device)
    assigned: list[dict[str, Any]] = []
    if lease is not None and lease.attempt_id is not None:
        of_job = ("prepared", "source", "base_model")
        ranks = Rank.objects.select_related(*(f"attempt__job__{name}" for name in of_job))
        assigned = [_of_rank(rank) for rank in ranks.filter(attempt_id=lease.attempt_id, device=device)]
    elif lease is not None and lease.errand_id is not None:
        assigned = [_of_errand(errand) for errand in Errand.objects.filter(pk=lease.errand_id)]
    wanted = Readiness.objects.filter(device=device, hash="", prepared__state=PreparedState.READY)
    wanted = wanted.exclude(wanted_at=None).select_related("prepared")
    return Assignments(assigned, [data_of(row.prepared) for row in wanted])


def data_of(prepared) -> dict[str, Any]:
    return {"hash": prepared.hash, "manifest": prepared.manifest}


def model_files_of(source: Job | None, *more: str) -> list[Artifact]:
    """The model that a job left, as the files from which others start, and those called `more`; [] for no job."""
    if source is None:
        return []
    whole = source.artifacts.exclude(verified_at=None).filter(name__in=(*MODEL_FILES, *more))
    newest = whole.order_by("-attempt__number").values_list("attempt", flat=True).first()
    return list(whole.filter(attempt=newest))


def _model(files: list[Artifact]) -> dict[str, Any]:
    named = [{"name": file.name, "sha256": file.sha256, "bytes": file.bytes} for file in files]
    return {"files": named} if named else {}


def _of_rank(rank: Rank) -> dict[str, Any]:
    job = rank.attempt.job
    return Assignment(
        kind=ATTEMPT,
        id=rank.attempt_id,
        fence=rank.fence,
        job=job.pk,
        number=rank.attempt.number,
        rank=rank.rank,
        world_size=rank.attempt.world_size,
        spec=_for_devices(job.spec),
        data=data_of(job.prepared),
        model=base_models.wire(job.base_model) or _model(model_files_of(job.source)),
        wanted=attempts.wanted(job, rank.attempt),
        batch_devices=_batch_devices(job.spec),
    ).to_json()


def _for_devices(spec: dict[str, Any]) -> dict[str, Any]:
    """Without what a recipe keeps on the server."""
    return spec | {"recipe": recipes.for_devices(spec["recipe"])} if spec.get("recipe") else spec


def _batch_devices(spec: dict[str, Any]) -> int:
    """A job that may shrink keeps the global batch of all the devices it asked for."""
    wish = Wish.of(spec["devices"], spec["schedule"])
    return wish.count if wish.fewest else 0


def model_files_of_errand(errand: Errand) -> list[Artifact]:
    """What an errand starts from; one that measures an artifact gets that file and what it is held against, one that
    looks into files all of them."""
    measured: tuple[str, ...] = (errand.payload["artifact"], REFERENCE) if "artifact" in errand.payload else ()
    if "format" in errand.payload.get("suites", ()):
        measured += tuple(Artifact.objects.filter(job=errand.payload["source"]).values_list("name", flat=True))
    return model_files_of(Job.objects.filter(pk=errand.payload["source"]).first(), *measured)


def base_model_of_errand(errand: Errand) -> BaseModel | None:
    return BaseModel.objects.filter(pk=errand.payload.get("base_model")).first()


def _named_model(payload: dict[str, Any]) -> dict[str, Any]:
    """Of an errand that names its files itself: a prediction, which needs no data but the one input it brings."""
    if "files" not in payload:
        return {}
    files = [{name: file[name] for name in ("name", "sha256", "bytes")} for file in payload["files"]]
    return {"files": files, "hash": payload["model_hash"]}


def _of_errand(errand: Errand) -> dict[str, Any]:
    payload = errand.payload
    return Assignment(
        kind=ERRAND,
        id=errand.pk,
        fence=errand.fence,
        job=0,
        number=1,
        rank=errand.rank,
        world_size=errand.world_size,
        spec=_for_devices(payload["spec"]),
        data={} if "files" in payload else data_of(PreparedData.objects.get(pk=payload["prepared"])),
        model=_named_model(payload)
        or base_models.wire(base_model_of_errand(errand))
        or _model(model_files_of_errand(errand)),
        errand={"kind": errand.kind} | {name: payload[name] for name in TOLD if name in payload},
        wanted="run" if errand.state == ErrandState.RUNNING else "stop",
        deadline=errand.deadline_at.timestamp(),
    ).to_json()
