"""One scheduling round: every waiting job gets its devices, or the reason why not.

A round reads the queue and the fleet once, decides in memory, and writes a claim per started job and one statement per
*changed* reason. A small job may start while a big one waits (backfill); one that has waited HOLD_AFTER_S has
devices kept for it, so that small ones cannot starve it.
"""

import logging
from collections import defaultdict
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from catalog.models import PreparedData, PreparedState
from contract.reasons import EndReason, WaitReason
from jobs import claims, live, transitions
from jobs.device_choice import Choice, GiveUp, Take, Wait, choose
from jobs.fleet import Fleet
from jobs.models import Errand, ErrandState, Job, Scheduler
from jobs.states import ENDED, Actor, JobState

HOLD_AFTER_S = 300
"""Set here: long enough that short jobs fill gaps, short enough that nobody waits an hour for a gap of their size."""
PUBLISH_AT_MOST = 50
"""Changed jobs of one round that are told one by one; beyond it readers are only told that the queue changed."""
KEPT_WHILE_DELAYED = {WaitReason.RETRY_DELAY, WaitReason.NO_SPACE}
log = logging.getLogger(__name__)


def round(now: datetime) -> int:
    """Look at every waiting job and errand once; how many jobs started."""
    fleet = Fleet.load(now)
    claim_errands(fleet, now)
    scheduler = Scheduler.objects.select_related("paused_by").get_or_create(pk=1)[0]
    jobs = list(queue())
    after = _jobs_named_by_schedule(jobs)
    waits: dict[int, Wait] = {}
    started = 0
    for job in jobs:
        choice = _choice(job, fleet, scheduler, after, now)
        if isinstance(choice, Take):
            started += claims.claim(job.pk, choice.devices, now) is not None
            fleet.give(choice.devices, job.pk)
        elif isinstance(choice, GiveUp):
            _give_up(job, choice, now)
        else:
            waits[job.pk] = choice
            if now - _waiting_since(job) > timedelta(seconds=HOLD_AFTER_S):
                fleet.hold(choice.hold, job.pk)
    _write_reasons(jobs, waits)
    Scheduler.objects.filter(pk=1).update(last_full_round_at=now)
    return started


def queue() -> QuerySet[Job]:
    """Waiting jobs in the order in which they get devices; those on hold are not among them. Demo jobs come last."""
    waiting = Job.objects.filter(state=JobState.PENDING, removed_at=None).exclude(wait_reason=WaitReason.PAUSED)
    ordered = waiting.order_by("demo", "-priority", "position", "id")
    return ordered.select_related("prepared", "source", "version__dataset").only(
        "state", "spec", "wait_reason", "reason_params", "not_before", "avoid", "created_at", "demo", "priority",
        "position", "prepared__state", "prepared__progress", "prepared__error", "prepared__error_params",
        "source__state", "source__removed_at", "version__dataset__slug", "version__dataset__removed_at",
    )  # fmt: skip


def _choice(job: Job, fleet: Fleet, scheduler: Scheduler, after: dict[int, str], now: datetime) -> Choice:
    obstacle = (
        _source_obstacle(job) or _data_obstacle(job) or _queue_obstacle(scheduler) or _time_obstacle(job, after, now)
    )
    if obstacle is not None:
        return obstacle
    devices = job.spec["devices"]
    avoided = {int(key) for key, until in job.avoid.items() if until > now.timestamp()}
    return choose(fleet, devices["ids"], devices["count"], avoided)


def _source_obstacle(job: Job) -> Choice | None:
    source = job.source
    if source is None:
        return None
    if source.removed_at is not None or source.state in (JobState.FAILED, JobState.CANCELLED):
        how = "removed" if source.removed_at is not None else str(source.state)
        return GiveUp(EndReason.BAD_DATA, {"source_job": source.pk, "source_state": how})
    if source.state != JobState.SUCCEEDED:
        return Wait(WaitReason.SOURCE_JOB, {"job": source.pk})
    return None


def _data_obstacle(job: Job) -> Choice | None:
    dataset, prepared = job.version.dataset, job.prepared
    if dataset.removed_at is not None:
        return GiveUp(EndReason.BAD_DATA, {"dataset": dataset.slug, "removed": True})
    if prepared.state == PreparedState.FAILED:
        params = {"dataset": dataset.slug, "sentence": prepared.error, "params": prepared.error_params}
        return GiveUp(EndReason.BAD_DATA, params)
    if prepared.state != PreparedState.READY:
        return Wait(WaitReason.PREPARING_DATA, {"percent": int(100 * prepared.progress)})
    return None


def _queue_obstacle(scheduler: Scheduler) -> Choice | None:
    if scheduler.paused_at is None:
        return None
    by = scheduler.paused_by.username if scheduler.paused_by else ""
    return Wait(WaitReason.QUEUE_PAUSED, {"user": by, "at": scheduler.paused_at.isoformat()})


def _time_obstacle(job: Job, after: dict[int, str], now: datetime) -> Choice | None:
    if job.not_before is not None and job.not_before > now:
        if job.wait_reason in KEPT_WHILE_DELAYED:
            return Wait(WaitReason(job.wait_reason), job.reason_params)
        return Wait(WaitReason.SCHEDULED, {"at": job.not_before.isoformat()})
    predecessor = job.spec["schedule"]["after"]
    if predecessor and after.get(predecessor, JobState.CANCELLED) not in ENDED:
        return Wait(WaitReason.SCHEDULED, {"after": predecessor})
    return None


def _jobs_named_by_schedule(jobs: list[Job]) -> dict[int, str]:
    """{job id: state} of the jobs that others are to follow."""
    named = {job.spec["schedule"]["after"] for job in jobs} - {0}
    return dict(Job.objects.filter(pk__in=named).values_list("pk", "state")) if named else {}


def _waiting_since(job: Job) -> datetime:
    return max(job.created_at, job.not_before or job.created_at)


def _give_up(job: Job, choice: GiveUp, now: datetime) -> None:
    """T4: nothing that could still happen would let it start."""
    with transaction.atomic():
        transitions.move(
            job.pk,
            JobState.FAILED,
            actor=Actor.RECONCILER,
            only_from=[JobState.PENDING],
            reason=choice.reason,
            params=choice.params,
            end_reason=choice.reason,
            reason_params=choice.params,
            wait_reason="",
            not_before=None,
            ended_at=now,
        )


def claim_errands(fleet: Fleet, now: datetime) -> None:
    """Errands are short and somebody is looking at the page: they go first."""
    waiting = list(Errand.objects.filter(state=ErrandState.PENDING, deadline_at__gt=now).order_by("id"))
    needed = {errand.payload["prepared"] for errand in waiting}
    ready = set(PreparedData.objects.filter(pk__in=needed, state=PreparedState.READY).values_list("pk", flat=True))
    by_id = {device.pk: device for device in fleet.free(fleet.online)}
    for errand in waiting:
        device = by_id.get(errand.device_id)
        if device is None or errand.payload["prepared"] not in ready:
            continue
        errand.device = device
        if claims.claim_errand(errand, now):
            fleet.holders[device.pk] = {"errand": errand.kind}
        del by_id[device.pk]


def _write_reasons(jobs: list[Job], waits: dict[int, Wait]) -> None:
    """Write the reasons that changed, one statement for all jobs that wait for the same."""
    alike: dict[tuple[str, str], list[Job]] = defaultdict(list)
    for job in jobs:
        wait = waits.get(job.pk)
        if wait is not None and (job.wait_reason, job.reason_params) != (wait.reason, wait.params):
            alike[wait.reason, repr(sorted(wait.params.items()))].append(job)
    changed = [job.pk for group in alike.values() for job in group]
    with transaction.atomic():
        for group in alike.values():
            _write_reason([job.pk for job in group], waits[group[0].pk])
        if changed:
            transaction.on_commit(partial(_publish, changed), robust=True)


def _write_reason(ids: list[int], wait: Wait) -> None:
    told: dict[str, Any] = {"wait_reason": wait.reason, "reason_params": wait.params}
    for start in range(0, len(ids), 500):
        part = Job.objects.filter(pk__in=ids[start : start + 500], state=JobState.PENDING)
        part.exclude(wait_reason=WaitReason.PAUSED).update(**told)


def _publish(changed: list[int]) -> None:
    for job_id in changed[:PUBLISH_AT_MOST]:
        live.publish_state(job_id)
    if len(changed) > PUBLISH_AT_MOST:
        live.publish_queue()
