"""What devices say about an attempt: acknowledged, still alive, over. Each call is one transaction.

The job's row is locked first in all of them, so that calls of one gang never deadlock.
"""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F

from contract import timing
from contract.agent_calls import Acknowledge, ExitReport, LeaseAnswer, LeaseRequest
from contract.reasons import WaitReason
from devices import leases
from jobs import checkpoints, ending, live, starting
from jobs.agent_access import StaleFence
from jobs.models import Attempt, Job, Rank
from jobs.services import trying
from jobs.states import DRIVEN, JobState

STOPPING_S = timing.STOP_S + 10
"""How long a device of an ended attempt may still renew its lease while it stops its rank."""
RENEW_DEADLINE_BELOW = 0.9
"""A deadline is moved on once less than this part of its time is left: not in each call."""
STALL_S = {
    JobState.CLAIMED: timing.ACK_S,
    JobState.STARTING: starting.START_S,
    JobState.RUNNING: starting.RUN_STALL_S,
}
WANTED = {JobState.DRAINING: "drain", JobState.CANCELLING: "cancel"}


@transaction.atomic
def acknowledge(rank: Rank, said: Acknowledge, now: datetime) -> None:
    """R5: the device is clean and has listed its checkpoints. The last one starts the attempt. Raises StaleFence."""
    job, attempt = _lock(rank)
    if attempt.ended_at is not None or not leases.live().filter(device_id=rank.device_id, fence=rank.fence).exists():
        raise StaleFence
    listed = [_listed(item) for item in said.checkpoints]
    Rank.objects.filter(pk=rank.pk, acknowledged_at=None).update(acknowledged_at=now, checkpoints=listed)
    if not starting.start_when_acknowledged(job, attempt, now):
        _tell_who_is_missing(job, attempt)


@transaction.atomic
def renew(rank: Rank, said: LeaseRequest, now: datetime) -> LeaseAnswer:
    """The supervisor is alive: prolong its lease and tell it what is wanted. Raises StaleFence."""
    job, attempt = _lock(rank)
    if attempt.ended_at is not None and now > attempt.ended_at + timedelta(seconds=STOPPING_S):
        raise StaleFence
    lease = leases.renew(rank.device, rank.fence, now)
    if lease is None:
        raise StaleFence
    if attempt.ended_at is None:
        if _note(rank, said):
            put_off_deadline(job, now)
            _tell_activity(job, attempt)
        if said.peer_lost:
            _doubt_silent_peers(attempt, now)
        starting.choose_rendezvous(attempt, rank)
    meet = attempt.rendezvous is not None and attempt.ended_at is None
    step = (attempt.resumed_from_step or 0) if meet else None
    return LeaseAnswer(
        seconds_left=(lease.expires_at - now).total_seconds(),
        wanted=wanted(job, attempt),
        rendezvous=attempt.rendezvous if meet else None,
        resume_step=step,
        checkpoint=checkpoints.to_fetch(job.pk, step, rank) if step else {},
        kill=trying.hand_out(job, rank, now),
    )


@transaction.atomic
def report_exit(rank: Rank, said: ExitReport, now: datetime) -> None:
    """A rank is over. The first report of a rank counts; `gone` frees the device. Raises StaleFence."""
    job, attempt = _lock(rank)
    if attempt.ended_at is not None and not leases.live().filter(device_id=rank.device_id, fence=rank.fence).exists():
        if rank.gone_at is not None:
            return
        raise StaleFence
    report = {key: value for key, value in asdict(said).items() if key not in ("kind", "id", "fence", "gone")}
    if attempt.ended_at is None:
        Rank.objects.filter(pk=rank.pk, exit_report__isnull=True).update(exit_report=report)
    if said.gone:
        Rank.objects.filter(pk=rank.pk, gone_at=None).update(gone_at=now)
    ended = attempt.ended_at is not None or ending.settle(job, attempt, now)
    if said.gone and (ended or job.state in WANTED):
        leases.release(rank.device_id, attempt_id=attempt.pk, now=now)


def settle(attempt_id: int, now: datetime) -> None:
    """Look at an attempt again after something of it was stored: its last batch, its last file. Asked after every
    batch, so the job is locked only once a rank has ended; a rank that ends meanwhile settles it itself."""
    if Rank.objects.filter(attempt_id=attempt_id, exit_report__isnull=False).exists():
        _settle(attempt_id, now)


@transaction.atomic
def _settle(attempt_id: int, now: datetime) -> None:
    attempt = Attempt.objects.get(pk=attempt_id)
    job = Job.objects.select_for_update(no_key=True).get(pk=attempt.job_id)
    attempt.refresh_from_db()
    if attempt.ended_at is None:
        attempt.job = job
        ending.settle(job, attempt, now)


def wanted(job: Job, attempt: Attempt) -> str:
    """What a device shall do for this attempt: run, drain, cancel, or stop at once."""
    if attempt.ended_at is not None:
        return "stop"
    if job.state == JobState.CANCELLING and attempt.reason_params.get("forced"):
        return "stop"
    return WANTED.get(JobState(job.state), "run")


def put_off_deadline(job: Job, now: datetime) -> None:
    """There is progress: the reconciler waits anew. Draining and cancelling keep their deadline."""
    seconds = STALL_S.get(JobState(job.state))
    if seconds is None:
        return
    due = now + timedelta(seconds=seconds * RENEW_DEADLINE_BELOW)
    Job.objects.filter(pk=job.pk, state=job.state, deadline_at__lt=due).update(
        deadline_at=now + timedelta(seconds=seconds)
    )


def _lock(rank: Rank) -> tuple[Job, Attempt]:
    """The job, locked, and the attempt and rank as they are now."""
    job = Job.objects.select_for_update(no_key=True).get(pk=rank.attempt.job_id)
    device = rank.device
    rank.refresh_from_db()
    rank.device = device
    attempt = Attempt.objects.get(pk=rank.attempt_id)
    attempt.job = job
    return job, attempt


def _listed(item: dict[str, Any]) -> dict[str, Any]:
    return {"step": int(item["step"]), "manifest_sha256": str(item["manifest_sha256"]), "bytes": item.get("bytes", 0)}


def _note(rank: Rank, said: LeaseRequest) -> bool:
    """Write down what the supervisor told; whether it is a sign of progress."""
    told = {
        "supervisor": said.supervisor,
        "process": said.rank_process,
        "port": said.port or rank.port,
        "address": said.address or rank.address,
        "stage": said.stage or rank.stage,
        "activity": said.activity,
        "activity_progress": said.progress,
        "step": max(said.step, rank.step),
    }
    changed = {name: value for name, value in told.items() if getattr(rank, name) != value}
    if changed:
        Rank.objects.filter(pk=rank.pk).update(**changed)
        for name, value in changed.items():
            setattr(rank, name, value)
    return bool(changed)


def _doubt_silent_peers(attempt: Attempt, now: datetime) -> None:
    """A rank lost a peer: a device of the gang that missed a heartbeat has half of its lease's time to come back."""
    quiet_since, half = now - timedelta(seconds=1.5 * timing.HEARTBEAT_S), timedelta(seconds=timing.LEASE_TTL_S / 2)
    leases.live().filter(
        attempt_id=attempt.pk,
        renewed_at__lt=quiet_since,
        expires_at__gt=F("renewed_at") + half,
        expires_at__lte=F("renewed_at") + 2 * half,
    ).update(expires_at=F("renewed_at") + half)


def _tell_activity(job: Job, attempt: Attempt) -> None:
    """What the ranks are busy with beside training, on the job; preparing data is what a starting job waits for."""
    busy = attempt.ranks.exclude(activity="").select_related("device").order_by("rank").first()
    told: dict[str, Any] = {"activity": busy.activity if busy else ""}
    if job.state in (JobState.CLAIMED, JobState.STARTING):
        if busy is not None and busy.activity == WaitReason.PREPARING_DATA:
            percent = round(100 * busy.activity_progress)
            told |= {"wait_reason": WaitReason.PREPARING_DATA}
            told |= {"reason_params": {"device": busy.device.slug, "percent": percent}}
        elif job.wait_reason == WaitReason.PREPARING_DATA:
            told |= _wait_for_peers(job, attempt)
    _tell(job, told)


def _tell_who_is_missing(job: Job, attempt: Attempt) -> None:
    if job.state == JobState.CLAIMED:
        _tell(job, _wait_for_peers(job, attempt))


def _wait_for_peers(job: Job, attempt: Attempt) -> dict[str, Any]:
    if job.state != JobState.CLAIMED:
        return {"wait_reason": "", "reason_params": {}}
    missing = list(attempt.ranks.filter(acknowledged_at=None).values_list("device__slug", flat=True))
    params = {"ready": attempt.world_size - len(missing), "wanted": attempt.world_size, "missing": missing}
    return {"wait_reason": WaitReason.WAITING_PEERS, "reason_params": params}


def _tell(job: Job, told: dict[str, Any]) -> None:
    """Write what changed of the job's description, if anything did; readers hear of it."""
    changed = {name: value for name, value in told.items() if getattr(job, name) != value}
    if changed and job.state in DRIVEN:
        Job.objects.filter(pk=job.pk, state=job.state).update(**changed)
        transaction.on_commit(lambda: live.publish_state(job.pk), robust=True)
