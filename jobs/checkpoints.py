"""What the server knows of checkpoints: who reported which, which outlive the loss of a host, which still count."""

from typing import Any

from contract.events import Event
from contract.timing import CHECKPOINTS_KEEP
from devices.models import Device, Host
from jobs import file_store
from jobs.models import Checkpoint, Job, Rank

USABLE = ("local", "complete")
MANIFEST = "manifest.json"


def note(job: Job, rank: Rank, event: Event) -> Checkpoint:
    """A rank reported a whole checkpoint (rule R9). The job's row is locked."""
    row, new = Checkpoint.objects.get_or_create(
        job=job,
        step=event.data["step"],
        manifest_hash=event.data["manifest_sha256"],
        defaults={
            "attempt_id": rank.attempt_id,
            "manifest": event.data["manifest"],
            "bytes": event.data.get("bytes", 0),
            "holders": [rank.device_id],
            "metrics": {key: value for key, value in job.summary.items() if key.startswith("eval/")},
        },
    )
    if not new and (row.state not in USABLE or row.attempt_id != rank.attempt_id):
        row.attempt_id, row.holders, row.state = rank.attempt_id, [], "local"
    if rank.device_id not in row.holders:
        row.holders.append(rank.device_id)
    row.state = "complete" if survives_its_host(row) else "local"
    row.save()
    return row


def saved_by_all(row: Checkpoint, world_size: int) -> bool:
    """Whether every rank of its attempt has reported this step."""
    same = Checkpoint.objects.filter(job=row.job_id, step=row.step, attempt=row.attempt_id, state__in=USABLE)
    return len({holder for holders in same.values_list("holders", flat=True) for holder in holders}) >= world_size


def let_older_ones_go(row: Checkpoint) -> None:
    """Devices keep the newest CHECKPOINTS_KEEP of which all ranks have a copy, the server the newest that it has whole;
    the others no longer count."""
    older = Checkpoint.objects.filter(job=row.job_id, state__in=USABLE, step__lte=row.step)
    kept = set(sorted(set(older.values_list("step", flat=True)), reverse=True)[:CHECKPOINTS_KEEP])
    whole_here = (one.step for one in older.order_by("-step", "-id") if on_server(one))
    kept.update(step for step in [next(whole_here, None)] if step is not None)
    older.exclude(step__in=kept).update(state="pruned")


def take_back(job: Job, after_step: int | None) -> None:
    """Checkpoints past a resume belong to points that were withdrawn; None takes back all of them."""
    rows = job.checkpoints.filter(state__in=USABLE)
    (rows if after_step is None else rows.filter(step__gt=after_step)).update(state="pruned")


def survives_its_host(row: Checkpoint) -> bool:
    """R10: copies on two hosts, or on the only host that there was when it was saved, or every file on the server.

    A host counts from when one of its devices was first heard.
    """
    hosts = set(Device.objects.filter(pk__in=row.holders).values_list("host_id", flat=True))
    if len(hosts) >= 2 or on_server(row):
        return True
    there = Host.objects.filter(created_at__lte=row.created_at, devices__removed_at=None)
    return there.exclude(devices__last_seen_at=None).distinct().count() <= 1


def on_server(row: Checkpoint) -> bool:
    """Whether every file of it is stored here, its manifest too."""
    hashes = {file["sha256"] for file in row.manifest["files"]} | {row.manifest_hash}
    return all(file_store.has("checkpoints", sha256) for sha256 in hashes)


def note_stored(job_id: int) -> None:
    """A file of a checkpoint has come in whole: what is all here now survives the loss of its host."""
    for row in Checkpoint.objects.filter(job=job_id, state="local"):
        if on_server(row):
            Checkpoint.objects.filter(pk=row.pk, state="local").update(state="complete")


def steps_on_server(job: Job) -> set[int]:
    """Steps that any device can fetch from the server."""
    return {row.step for row in job.checkpoints.filter(state__in=USABLE) if on_server(row)}


def newest_step(job: Job) -> int:
    """The step that the job would go on from if all its devices can; 0 for the beginning."""
    return job.checkpoints.filter(state__in=USABLE).order_by("-step").values_list("step", flat=True).first() or 0


def to_fetch(job_id: int, step: int, rank: Rank) -> dict[str, Any]:
    """What a device that does not hold the step fetches: {files: [{name, sha256, bytes}]}; {} when it holds it."""
    if step == 0 or any(item["step"] == step for item in rank.checkpoints):
        return {}
    rows = Checkpoint.objects.filter(job=job_id, step=step, state__in=USABLE)
    found = next((row for row in rows if on_server(row)), None)
    return {"files": files_of(found)} if found else {}


def files_of(row: Checkpoint) -> list[dict[str, Any]]:
    """Its files on the server, the manifest last: name, sha256, bytes."""
    manifest = file_store.path_of("checkpoints", row.manifest_hash)
    last = {"name": MANIFEST, "sha256": row.manifest_hash, "bytes": manifest.stat().st_size}
    return [{key: file[key] for key in ("name", "sha256", "bytes")} for file in row.manifest["files"]] + [last]
