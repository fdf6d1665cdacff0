"""One scheduling round: every waiting job gets its devices, or the reason why not.

A round reads the queue and the fleet once, decides in memory, and writes a claim per started job and one statement per
*changed* reason. A small job may start while a big one waits (backfill); one that has waited HOLD_AFTER_S has
devices kept for it, so that small ones cannot starve it. What is urgent may take the devices of jobs that allow it.
"""

import logging
from collections import defaultdict
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from random import SystemRandom
from typing import Any

from django.db import transaction

from contract.reasons import WaitReason
from jobs import claims, errand_data, errands, gangs, live, obstacles, preemption, queue_order, resizing, transitions
from jobs.device_choice import Choice, GiveUp, Take, Wait, choose
from jobs.fleet import Fleet
from jobs.models import Errand, ErrandState, Job, Scheduler
from jobs.queue_order import Waiting
from jobs.states import Actor, JobState
from jobs.wishes import Wish

HOLD_AFTER_S = 300
"""Set here: long enough that short jobs fill gaps, short enough that nobody waits an hour for a gap of their size."""
WRITE_AT_MOST = 500
"""Jobs whose changed reason one round writes: measured (`benchmarks/scheduling.py`), so that a round stays within half
a second even when the reasons of ten thousand jobs change; the last of them is told twenty rounds later."""
PUBLISH_AT_MOST = 50
"""Changed jobs of one round that are told one by one; beyond it readers are only told that the queue changed."""
log = logging.getLogger(__name__)


def round(now: datetime) -> int:
    """Look at every waiting job and errand once; how many jobs started."""
    fleet = Fleet.load(now)
    waiting_errands = claim_errands(fleet, now)
    scheduler = Scheduler.objects.select_related("paused_by").get_or_create(pk=1)[0]
    jobs = queue_order.waiting()
    after = obstacles.states_of_followed(jobs)
    waits: dict[int, Wait] = {}
    started = 0
    for job in jobs:
        choice = obstacles.obstacle(job, scheduler, after, now) or _devices(job, fleet, now)
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
    preemption.make_room([(job, waits[job.pk]) for job in jobs if job.pk in waits], fleet)
    preemption.make_room_for_errands(waiting_errands)
    resizing.take_back_devices(fleet, now)
    Scheduler.objects.filter(pk=1).update(last_full_round_at=now)
    return started


def _devices(job: Waiting, fleet: Fleet, now: datetime) -> Choice:
    avoided = {int(key) for key, until in job.avoid.items() if until > now.timestamp()}
    full = job.wait_reason == WaitReason.NO_SPACE
    choice = choose(fleet, _wish(job, full), avoided)
    if full and isinstance(choice, Wait):
        return Wait(WaitReason.NO_SPACE, job.reason_params)
    return choice


def _wish(job: Waiting, full: bool) -> Wish:
    """Fewer devices than asked for only after a loss; a device that was full only when it has room again."""
    wish = job.wish
    if job.started_at is None and wish.fewest:
        wish = replace(wish, fewest=0)
    return replace(wish, disk_bytes=job.reason_params.get("need", 0)) if full else wish


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


def claim_errands(fleet: Fleet, now: datetime) -> list[Errand]:
    """Errands are short and somebody is looking at the page: they go first. Those that wait for just their devices."""
    waiting = list(Errand.objects.filter(state=ErrandState.PENDING, deadline_at__gt=now).order_by("id"))
    ready = errand_data.ready(waiting, now)
    gangs.claim_waiting(fleet, [errand for errand in ready if errand.gang is not None], now)
    by_id = {device.pk: device for device in fleet.free(fleet.online)}
    for errand in (errand for errand in ready if errand.gang is None):
        device = by_id.get(errand.device_id)
        if device is None:
            continue
        errand.device = device
        if claims.claim_errand(errand, now):
            fleet.take({device.pk: {"errand": errand.kind}})
        del by_id[device.pk]
    patient = [errand.pk for errand in ready if errand.kind not in errands.GO_ELSEWHERE]
    return list(Errand.objects.filter(pk__in=patient, state=ErrandState.PENDING)) if patient else []


def _write_reasons(jobs: list[Waiting], waits: dict[int, Wait]) -> None:
    """Write the reasons that changed, one statement for all jobs that wait for the same."""
    alike: dict[tuple[str, str], list[int]] = defaultdict(list)
    for job in jobs:
        wait = waits.get(job.pk)
        if wait is not None and (job.wait_reason, job.reason_params) != (wait.reason, wait.params):
            alike[wait.reason, repr(sorted(wait.params.items()))].append(job.pk)
    due = _due(list(alike.values()), {job.pk for job in jobs if not job.wait_reason})
    if not due:
        return
    with transaction.atomic():
        for group in due:
            _write_reason(group, waits[group[0]])
        transaction.on_commit(partial(_publish, [pk for group in due for pk in group]), robust=True)


def _due(groups: list[list[int]], unexplained: set[int]) -> list[list[int]]:
    """As many jobs as a round may write: those without any reason first, the others by lot, so that none always waits.

    `groups`: ids of jobs whose reason changed to the same.
    """
    SystemRandom().shuffle(groups)
    groups.sort(key=unexplained.isdisjoint)
    due, left = [], WRITE_AT_MOST
    while groups and left > 0:
        due.append(sorted(groups.pop(0), key=unexplained.__contains__, reverse=True)[:left])
        left -= len(due[-1])
    return due


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
