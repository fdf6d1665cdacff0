"""A preflight as the new-job page shows it: rows that fill in, a verdict in words, buttons that mend what failed."""

from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from contract.reasons import EndReason
from contract.spec import JobSpec
from jobs import clock, errands, preflight
from jobs.models import Errand, ErrandState


@dataclass(frozen=True)
class Fix:
    path: str
    value: Any
    label: str


@dataclass(frozen=True)
class Run:
    rows: list[dict[str, Any]] = field(default_factory=list)
    """one a device"""
    numbers: str = ""
    """of its errands, for asking again"""
    pending: bool = False
    tone: str = "info"
    notice: str = ""
    fixes: list[Fix] = field(default_factory=list)


def start(actor: User, body: dict[str, Any]) -> Run:
    """Begin one. Where nothing can be tried now, the notice says why."""
    started = preflight.start(actor, body)
    if started.errands:
        return _run(started.errands, body)
    wrong = [check.text for check in started.checks if check.ok is False]
    open_ones = [check.text for check in started.checks if check.ok is None]
    later = _("Preflight runs when the job starts: you can start it all the same.")
    return Run(tone="bad" if wrong else "info", notice=" ".join(wrong or [*open_ones, later]))


def progress(actor: User, numbers: list[int], body: dict[str, Any]) -> Run:
    """How far the actor's errands with these numbers are."""
    own = Errand.objects.filter(pk__in=numbers, owner=actor, kind="preflight").select_related("device")
    return _run(list(own.order_by("pk")), body)


def cancel(actor: User, numbers: list[int], body: dict[str, Any]) -> Run:
    """Stop it: what has been measured stays shown."""
    errands.cancel(actor, numbers, clock.now())
    return progress(actor, numbers, body)


def _run(sent: list[Errand], body: dict[str, Any]) -> Run:
    checks = preflight.checks_of(errand.pk for errand in sent)
    states = {errand.device.slug: errand.state for errand in sent}
    rows = [_row(check, states[check.device]) for check in checks if check.device]
    numbers = ",".join(str(errand.pk) for errand in sent)
    if any(row["state"] in ("waiting", "running") for row in rows):
        return Run(rows, numbers, True, "info", _("One real batch runs on each device…"))
    if any(row["state"] == ErrandState.CANCELLED for row in rows):
        return Run(rows, numbers, False, "neutral", _("Preflight was cancelled. Its devices are free in a moment."))
    bad = [check.text for check in checks if check.ok is False]
    if bad:
        n = len(bad)
        text = ngettext("It does not work on %(n)s device.", "It does not work on %(n)s devices.", n) % {"n": n}
        unequal = [check.text for check in checks if check.ok is False and not check.device]
        return Run(rows, numbers, False, "bad", " ".join(unequal) or text, _fixes(sent, body))
    text = ngettext("It works on %(n)s device.", "It works on all %(n)s devices.", len(rows)) % {"n": len(rows)}
    agreed = [check.text for check in checks if not check.device]
    return Run(rows, numbers, False, "ok", " ".join([text, *agreed]))


def _row(check: preflight.Check, state: str) -> dict[str, Any]:
    shown = {None: "running" if state == ErrandState.RUNNING else "waiting", True: "ok", False: "failed"}[check.ok]
    if state == ErrandState.CANCELLED:
        shown = "cancelled"
    return {
        "device": check.device,
        "state": shown,
        "reason": check.text if shown == "failed" else "",
        "step_seconds": check.facts.get("step_seconds"),
        "peak_memory_bytes": check.facts.get("peak_memory_bytes"),
        "data_hash": check.facts.get("data_hash"),
    }


def _fixes(sent: list[Errand], body: dict[str, Any]) -> list[Fix]:
    """Where memory ran out: the batch that fits on all devices, as they have tried; half of it where one could not."""
    full = [errand.answer for errand in sent if errand.answer.get("reason") == EndReason.OUT_OF_MEMORY]
    if not full:
        return []
    half = JobSpec.parse(body).training.per_device_train_batch_size // 2
    batch = min(answer.get("fits", half) for answer in full)
    if batch < 1:
        return []
    path = "training.per_device_train_batch_size"
    return [Fix(path, batch, _("Set the batch per device to %(n)s") % {"n": batch})]
