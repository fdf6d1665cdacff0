"""What a device should be doing now, as its agent is told: one lease at most, and data to have ahead of time."""

from typing import Any

from catalog.models import BaseModel, PreparedData, PreparedState, Readiness
from contract.agent_calls import Assignment, Assignments
from devices import leases
from devices.models import Device
from jobs import attempts, base_models, errand_data, queries, weights
from jobs.agent_access import ATTEMPT, ERRAND
from jobs.models import Artifact, Errand, ErrandState, Job, Rank
from jobs.wishes import Wish

REFERENCE = "reference.safetensors"
"""what the trained model itself answered to the first rows of the evaluated split"""

TOLD = ("artifact", "split", "suites", "dataset", "manifest", "input")
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
        spec=queries.public_spec(job.spec),
        data=data_of(job.prepared),
        model=base_models.wire(job.base_model) or weights.wire(weights.began_with(job)),
        wanted=attempts.wanted(job, rank.attempt),
        batch_devices=_batch_devices(job.spec),
    ).to_json()


def _batch_devices(spec: dict[str, Any]) -> int:
    """A job that may shrink keeps the global batch of all the devices it asked for."""
    wish = Wish.of(spec["devices"], spec["schedule"])
    return wish.count if wish.fewest else 0


def files_of_errand(errand: Errand) -> list[dict[str, Any]]:
    """What an errand starts from. One that measures an artifact gets that file and what it is held against, one that
    looks into files all of them; a prediction, and a measurement of other weights, names its files itself."""
    payload = errand.payload
    if "files" in payload:
        return payload["files"]
    measured: tuple[str, ...] = (payload["artifact"], REFERENCE) if "artifact" in payload else ()
    if "format" in payload.get("suites", ()):
        measured += tuple(Artifact.objects.filter(job=payload["source"]).values_list("name", flat=True))
    return weights.named(weights.artifacts_of(Job.objects.filter(pk=payload["source"]).first(), *measured))


def base_model_of_errand(errand: Errand) -> BaseModel | None:
    return BaseModel.objects.filter(pk=errand.payload.get("base_model")).first()


def _of_errand(errand: Errand) -> dict[str, Any]:
    payload = errand.payload
    more_data, foreign = errand_data.foreign(payload)
    return Assignment(
        kind=ERRAND,
        id=errand.pk,
        fence=errand.fence,
        job=0,
        number=1,
        rank=errand.rank,
        world_size=errand.world_size,
        spec=queries.public_spec(payload["spec"]),
        data={} if "input" in payload else data_of(PreparedData.objects.get(pk=payload["prepared"])),
        more_data=more_data,
        model=base_models.wire(base_model_of_errand(errand))
        or weights.wire(files_of_errand(errand), payload.get("model_hash", "")),
        errand={"kind": errand.kind} | {name: payload[name] for name in TOLD if name in payload} | foreign,
        wanted="run" if errand.state == ErrandState.RUNNING else "stop",
        deadline=errand.deadline_at.timestamp(),
    ).to_json()
