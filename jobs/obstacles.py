"""What keeps a waiting job from starting, whatever devices are free: its source, its data, the queue, the clock."""

from datetime import datetime

from catalog.models import PreparedData, PreparedState
from contract.reasons import EndReason, WaitReason
from jobs.device_choice import Choice, GiveUp, Wait
from jobs.models import Job, Scheduler
from jobs.queue_order import Waiting
from jobs.states import ENDED, JobState

KEPT_WHILE_DELAYED = {WaitReason.RETRY_DELAY, WaitReason.NO_SPACE}


def obstacle(job: Waiting, scheduler: Scheduler, after: dict[int, str], now: datetime) -> Choice | None:
    """The first one, None when only devices are missing. `after`: states of the jobs that others are to follow."""
    return _source(job) or _data(job) or _queue(scheduler) or _time(job, after, now)


def states_of_followed(jobs: list[Waiting]) -> dict[int, str]:
    """{job id: state} of the jobs that others are to follow."""
    named = {job.after for job in jobs} - {0}
    return dict(Job.objects.filter(pk__in=named).values_list("pk", "state")) if named else {}


def _source(job: Waiting) -> Choice | None:
    if job.source is None:
        return None
    if job.source_removed_at is not None or job.source_state in (JobState.FAILED, JobState.CANCELLED):
        how = "removed" if job.source_removed_at is not None else job.source_state
        return GiveUp(EndReason.BAD_DATA, {"source_job": job.source, "source_state": how})
    if job.source_state != JobState.SUCCEEDED:
        return Wait(WaitReason.SOURCE_JOB, {"job": job.source})
    return None


def _data(job: Waiting) -> Choice | None:
    if job.dataset_removed_at is not None:
        return GiveUp(EndReason.BAD_DATA, {"dataset": job.dataset, "removed": True})
    if job.prepared_state == PreparedState.FAILED:
        prepared = PreparedData.objects.get(pk=job.prepared)
        params = {"dataset": job.dataset, "sentence": prepared.error, "params": prepared.error_params}
        return GiveUp(EndReason.BAD_DATA, params)
    if job.prepared_state != PreparedState.READY:
        return Wait(WaitReason.PREPARING_DATA, {"percent": int(100 * job.prepared_progress)})
    return None


def _queue(scheduler: Scheduler) -> Choice | None:
    if scheduler.paused_at is None:
        return None
    by = scheduler.paused_by.username if scheduler.paused_by else ""
    return Wait(WaitReason.QUEUE_PAUSED, {"user": by, "at": scheduler.paused_at.isoformat()})


def _time(job: Waiting, after: dict[int, str], now: datetime) -> Choice | None:
    if job.not_before is not None and job.not_before > now:
        if job.wait_reason in KEPT_WHILE_DELAYED:
            return Wait(WaitReason(job.wait_reason), job.reason_params)
        return Wait(WaitReason.SCHEDULED, {"at": job.not_before.isoformat()})
    if job.after and after.get(job.after, JobState.CANCELLED) not in ENDED:
        return Wait(WaitReason.SCHEDULED, {"after": job.after})
    return None
