"""One scheduling round: every waiting job gets its devices, or the reason why not.

A round reads the queue and the fleet once, decides in memory, and writes a claim per started job and one statement per
*changed* reason. A small job may start while a big one waits (backfill); one that has waited HOLD_AFTER_S has
devices kept for it, so that small ones cannot starve it.
"""

import logging
from collections import defaultdict
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

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
    jobs = Waiting.all()
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
            if now - job.since > timedelta(seconds=HOLD_AFTER_S):
                fleet.hold(choice.hold, job.pk)
    _write_reasons(jobs, waits)
    Scheduler.objects.filter(pk=1).update(last_full_round_at=now)
    return started


def queue() -> QuerySet[Job]:
    """Waiting jobs in the order in which they get devices; those on hold are not among them. Demo jobs come last."""
    waiting = Job.objects.filter(state=JobState.PENDING, removed_at=None).exclude(wait_reason=WaitReason.PAUSED)
    return waiting.order_by("demo", "-priority", "position", "id")


class Waiting(NamedTuple):
    """What a round looks at of a waiting job, read as plain values: there may be ten thousand of them."""

    pk: int
    wait_reason: str
    reason_params: dict[str, Any]
    not_before: datetime | None
    created_at: datetime
    avoid: dict[str, float]
    ids: list[str]
    wanted: int
    after: int
    prepared: int
    prepared_state: str
    prepared_progress: float
    source: int | None
    source_state: str | None
    source_removed_at: datetime | None
    dataset: str
    dataset_removed_at: datetime | None

    @classmethod
    def all(cls) -> list["Waiting"]:
        return [cls(*row) for row in queue().values_list(*COLUMNS)]

    @property
    def since(self) -> datetime:
        return max(self.created_at, self.not_before or self.created_at)


COLUMNS = (
    "pk", "wait_reason", "reason_params", "not_before", "created_at", "avoid", "spec__devices__ids",
    "spec__devices__count", "spec__schedule__after", "prepared_id", "prepared__state", "prepared__progress",
    "source_id", "source__state", "source__removed_at", "version__dataset__slug", "version__dataset__removed_at",
)  # fmt: skip


def _choice(job: Waiting, fleet: Fleet, scheduler: Scheduler, after: dict[int, str], now: datetime) -> Choice:
    obstacle = (
        _source_obstacle(job) or _data_obstacle(job) or _queue_obstacle(scheduler) or _time_obstacle(job, after, now)
    )
    if obstacle is not None:
        return obstacle
    avoided = {int(key) for key, until in job.avoid.items() if until > now.timestamp()}
    return choose(fleet, job.ids, job.wanted, avoided)


def _source_obstacle(job: Waiting) -> Choice | None:
    if job.source is None:
        return None
    if job.source_removed_at is not None or job.source_state in (JobState.FAILED, JobState.CANCELLED):
        how = "removed" if job.source_removed_at is not None else job.source_state
        return GiveUp(EndReason.BAD_DATA, {"source_job": job.source, "source_state": how})
    if job.source_state != JobState.SUCCEEDED:
        return Wait(WaitReason.SOURCE_JOB, {"job": job.source})
    return None


def _data_obstacle(job: Waiting) -> Choice | None:
    if job.dataset_removed_at is not None:
        return GiveUp(EndReason.BAD_DATA, {"dataset": job.dataset, "removed": True})
    if job.prepared_state == PreparedState.FAILED:
        prepared = PreparedData.objects.get(pk=job.prepared)
        params = {"dataset": job.dataset, "sentence": prepared.error, "params": prepared.error_params}
        return GiveUp(EndReason.BAD_DATA, params)
    if job.prepared_state != PreparedState.READY:
        return Wait(WaitReason.PREPARING_DATA, {"percent": int(100 * job.prepared_progress)})
    return None


def _queue_obstacle(scheduler: Scheduler) -> Choice | None:
    if scheduler.paused_at is None:
        return None
    by = scheduler.paused_by.username if scheduler.paused_by else ""
    return Wait(WaitReason.QUEUE_PAUSED, {"user": by, "at": scheduler.paused_at.isoformat()})


def _time_obstacle(job: Waiting, after: dict[int, str], now: datetime) -> Choice | None:
    if job.not_before is not None and job.not_before > now:
        if job.wait_reason in KEPT_WHILE_DELAYED:
            return Wait(WaitReason(job.wait_reason), job.reason_params)
        return Wait(WaitReason.SCHEDULED, {"at": job.not_before.isoformat()})
    if job.after and after.get(job.after, JobState.CANCELLED) not in ENDED:
        return Wait(WaitReason.SCHEDULED, {"after": job.after})
    return None


def _jobs_named_by_schedule(jobs: list[Waiting]) -> dict[int, str]:
    """{job id: state} of the jobs that others are to follow."""
    named = {job.after for job in jobs} - {0}
    return dict(Job.objects.filter(pk__in=named).values_list("pk", "state")) if named else {}


def _give_up(job: Waiting, choice: GiveUp, now: datetime) -> None:
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
            fleet.take({device.pk: {"errand": errand.kind}})
        del by_id[device.pk]


def _write_reasons(jobs: list[Waiting], waits: dict[int, Wait]) -> None:
    """Write the reasons that changed, one statement for all jobs that wait for the same."""
    alike: dict[tuple[str, str], list[Waiting]] = defaultdict(list)
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
