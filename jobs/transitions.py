"""The one way in which a job's state changes: a conditional update with its transition (rule R1).

The row count says who won. Nobody tries again blindly: who loses reads the job anew.
"""

import logging
from collections.abc import Iterable
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef

from accounts.models import User
from contract import logs
from jobs import clock, live
from jobs.models import Attempt, Job, Transition
from jobs.states import DRIVEN, LEGAL, Actor, JobState

log = logging.getLogger(__name__)


@transaction.atomic(savepoint=False)
def move(
    job_id: int,
    to: JobState,
    *,
    actor: Actor,
    attempt: Attempt | None = None,
    user: User | None = None,
    reason: str = "",
    params: dict[str, Any] | None = None,
    only_from: Iterable[str] | None = None,
    **fields: Any,
) -> bool:
    """Move a job to `to` if it stands where `LEGAL` lets this actor do so (or in `only_from`, when given).

    Runs in the caller's transaction. `fields` are written with the state. Between driven states an `attempt` must be
    open. Readers hear of it after the commit. Returns whether the job was moved.
    """
    job = Job.objects.select_for_update().filter(pk=job_id).values("state", "seq").first()
    if job is None or not _legal(job["state"], to, actor, only_from):
        return False
    rows = Job.objects.filter(pk=job_id, state=job["state"])
    if attempt is not None and to in DRIVEN and job["state"] in DRIVEN:
        rows = rows.filter(Exists(Attempt.objects.filter(pk=attempt.pk, job=OuterRef("pk"), ended_at=None)))
    if not rows.update(state=to, seq=F("seq") + 1, **fields):
        return False
    with logs.about(job=job_id, **({"attempt": attempt.pk} if attempt else {})):
        log.info("%s to %s by %s%s", job["state"], to.value, actor.value, f": {reason}" if reason else "")
    _write(job_id, job["state"], to, job["seq"] + 1, actor, attempt, user, reason, params)
    return True


def first(job: Job, actor: Actor, user: User | None) -> None:
    """The transition of a job that was just created (T1). Runs in the creating transaction."""
    Job.objects.filter(pk=job.pk).update(seq=F("seq") + 1)
    _write(job.pk, "", JobState.PENDING, job.seq + 1, actor, None, user, "", None)
    job.seq += 1


def _legal(state: str, to: JobState, actor: Actor, only_from: Iterable[str] | None) -> bool:
    return actor in LEGAL.get((state, to), ()) and (only_from is None or state in only_from)


def _write(job_id, from_state, to_state, seq, actor, attempt, user, reason, params) -> None:
    last = Transition.objects.filter(job_id=job_id).order_by("-number").values_list("number", flat=True).first()
    Transition.objects.create(
        job_id=job_id,
        number=(last or 0) + 1,
        from_state=from_state,
        to_state=to_state,
        actor=actor,
        user=user,
        attempt=attempt,
        reason=reason,
        params=params or {},
        seq=seq,
        at=clock.now(),
    )
    transaction.on_commit(partial(live.publish_state, job_id, seq), robust=True)
