"""What the queue page shows: why jobs wait in one line, the order, what runs, and who may change it."""

from collections import Counter
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.permissions import may, visible
from contract.reasons import WaitReason
from devices import queries as device_queries
from jobs import page_rows, queries, queue_order
from jobs.models import Job, Scheduler
from jobs.states import DRIVEN, JobState

SHOWN = 50


def context(actor: Any) -> dict[str, Any]:
    jobs = visible(actor, queries.with_parts(Job.objects.filter(removed_at=None)))
    waiting = jobs.filter(state=JobState.PENDING)
    first = queue_order.in_order(waiting)[:SHOWN]
    running = jobs.filter(state__in=DRIVEN).order_by("pk")
    scheduler = Scheduler.objects.select_related("paused_by").first()
    reasons = Counter(waiting.values_list("wait_reason", flat=True))
    rows = page_rows.of(sorted(waiting.filter(pk__in=first), key=lambda job: first.index(job.pk)))
    for place, row in enumerate(rows, 1):
        row.parts |= {"place": place, "may_move": may(actor, "change", row.job) or may(actor, "prioritise", row.job)}
    return {
        "rows": rows,
        "total": sum(reasons.values()),
        "more": max(sum(reasons.values()) - SHOWN, 0),
        "why": why(reasons),
        "running": page_rows.of(running[:SHOWN]),
        "paused": scheduler if scheduler and scheduler.paused_at else None,
        "free": sum(not row["busy"] for row in device_queries.fleet(actor) if row["state"] == "online"),
    }


def why(reasons: Counter) -> str:
    """`5 waiting: 3 for a busy device, 1 for data, 1 scheduled`; "" when nothing waits."""
    total = sum(reasons.values())
    if not total:
        return ""
    parts = ", ".join(f"{count} {_words(reason)}" for reason, count in reasons.most_common())
    sentence = ngettext("%(n)s job waits: %(parts)s.", "%(n)s jobs wait: %(parts)s.", total)
    return sentence % {"n": total, "parts": parts}


def _words(reason: str) -> str:
    known: dict[str, str] = {
        WaitReason.DEVICE_BUSY: _("for a busy device"),
        WaitReason.DEVICE_OFFLINE: _("for an offline device"),
        WaitReason.NO_DEVICE: _("for a device that is not there"),
        WaitReason.DRAINING: _("for a drained device"),
        WaitReason.PREPARING_DATA: _("for data"),
        WaitReason.WAITING_PEERS: _("for other devices of the job"),
        WaitReason.SOURCE_JOB: _("for another job"),
        WaitReason.SCHEDULED: _("scheduled"),
        WaitReason.QUEUE_PAUSED: _("held by the paused queue"),
        WaitReason.PAUSED: _("paused"),
        WaitReason.NO_SPACE: _("for disk space"),
        WaitReason.RETRY_DELAY: _("about to try again"),
    }
    return known.get(reason, _("about to be looked at"))
