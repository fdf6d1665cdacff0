"""A failure on purpose: an admin breaks a part of a demo job's training and watches it being made good."""

import os
import signal
import threading
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import User
from jobs import claims, clock, live
from jobs.models import Job, Rank
from jobs.services.asking import Refused
from jobs.states import JobState

KINDS = ("rank", "agent", "web")
TOLD_S = 30
"""how long an order is repeated"""
ANSWER_FIRST_S = 0.5
"""The web process ends this long after the request that asked for it, so that its answer is out."""


@transaction.atomic
def try_failure(job: Job, actor: User, kind: str, *, via: str = "page", address: str | None = None) -> None:
    """Kill the last `rank` of a running demo job, the `agent` beside it, or this `web` process. Raises Refused.

    Rank and agent are killed by the supervisor on their device, which gets the order with its next lease answer: the
    server knows no process there. Whoever keeps the web server starts it again.
    """
    job = Job.objects.select_for_update(no_key=True).get(pk=job.pk)
    attempt = job.attempts.filter(ended_at=None).first()
    if not job.demo:
        raise Refused(_("Failures are tried on demo jobs only. Open one of them."))
    if job.state != JobState.RUNNING or attempt is None:
        raise Refused(_("A failure can be tried while the job trains. Wait for its first step."))
    rank = attempt.ranks.select_related("device").order_by("-rank")[0]
    trial = {
        "kind": kind,
        "attempt": attempt.pk,
        "rank": rank.rank,
        "device": rank.device.slug,
        "agent": rank.device.process,
        "step": rank.step,
        "at": clock.now().isoformat(),
        "taken": kind == "web",
    }
    Job.objects.filter(pk=job.pk).update(tried_failure=trial)
    audit.record(actor, "tried a failure", job, via=via, after={"kind": kind}, address=address)
    transaction.on_commit(lambda: live.publish_state(job.pk), robust=True)
    if kind == "web":
        transaction.on_commit(end_this_process)
    else:
        claims.ring(attempt, [rank.device_id])


def hand_out(job: Job, rank: Rank, now: datetime) -> str:
    """What the supervisor of this rank is to kill: "rank:" or "agent:" with a mark of the order, or "" for nothing.

    Told with every answer for a while: one may be lost, and a supervisor obeys an order once. The job's row is locked.
    """
    trial: dict[str, Any] = job.tried_failure
    if not trial or trial["kind"] == "web" or (trial["attempt"], trial["rank"]) != (rank.attempt_id, rank.rank):
        return ""
    if not trial["taken"]:
        trial = trial | {"taken": True, "order": trial["at"], "at": now.isoformat()}
        Job.objects.filter(pk=job.pk).update(tried_failure=trial)
    if now - datetime.fromisoformat(trial["at"]) > timedelta(seconds=TOLD_S):
        return ""
    return f"{trial['kind']}:{trial['order']}"


def end_this_process() -> None:
    """As a crash would: no goodbye. Only ever this very process, never one by its number."""
    threading.Timer(ANSWER_FIRST_S, os.kill, [os.getpid(), signal.SIGKILL]).start()
