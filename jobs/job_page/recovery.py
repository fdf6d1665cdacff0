"""What a failure that was tried on a demo job led to, read from the log of the job: each step with its seconds."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from accounts.permissions import may
from devices.models import Device
from jobs.models import Job, Transition
from jobs.states import ENDED, JobState


@dataclass(frozen=True)
class Happening:
    """`seconds` after the failure; None while it is still awaited."""

    text: str
    seconds: float | None


def card(job: Job, actor: Any) -> dict[str, Any] | None:
    """What the card shows; None for jobs that are no demo and for readers who may not try."""
    if not job.demo or not may(actor, "system"):
        return None
    happened = happenings(job)
    if job.state != JobState.RUNNING and not happened:
        return None
    return {"may_try": job.state == JobState.RUNNING, "happenings": happened, "choices": _choices()}


def happenings(job: Job) -> list[Happening]:
    """The failure that was tried last, and what followed."""
    trial = job.tried_failure
    at = parse_datetime(trial["at"]) if trial else None
    if at is None:
        return []
    began = {
        "rank": _("The training process on %(device)s was killed."),
        "agent": _("The agent of %(device)s was killed."),
        "web": _("The web server was killed."),
    }[trial["kind"]] % {"device": trial["device"]}
    if not trial["taken"]:
        return [Happening(_("%(device)s gets the order with its next sign of life.") % trial, None)]
    follow = {"rank": _after_rank, "agent": _after_agent, "web": _after_web}[trial["kind"]]
    return [Happening(began, 0.0), *follow(job, trial, at)]


def _after_rank(job: Job, _trial: dict[str, Any], at: datetime) -> list[Happening]:
    steps = list(job.transitions.filter(at__gte=at).order_by("number"))
    found = [told for step in steps if (told := _told(step, at)) is not None]
    if job.state not in ENDED and not any(step.to_state == JobState.RUNNING for step in steps):
        found.append(Happening(_("It goes on from its last checkpoint…"), None))
    return found


def _told(step: Transition, at: datetime) -> Happening | None:
    words = {
        JobState.PENDING: _("The supervisor told it; the others stopped too."),
        JobState.CLAIMED: _("All devices were taken for the next attempt."),
        JobState.STARTING: _("Every device was clean and had listed its checkpoints."),
        JobState.RUNNING: _("Training goes on from step %(step)s."),
        JobState.SUCCEEDED: _("The job succeeded all the same."),
    }
    text = words.get(JobState(step.to_state))
    seconds = (step.at - at).total_seconds()
    return Happening(text % {"step": step.params.get("resume_step", 0)}, seconds) if text else None


def _after_agent(job: Job, trial: dict[str, Any], _at: datetime) -> list[Happening]:
    device = Device.objects.filter(slug=trial["device"]).first()
    back = device is not None and device.process != trial["agent"]
    known = {"step": max(job.step, trial["step"])}
    going_on = _("Training went on without it: step %(step)s in the same attempt.") % known
    again = _("A new agent took over the same training process.") if back else _("Its keeper starts it again…")
    return [Happening(going_on, None), Happening(again, None)]


def _after_web(job: Job, trial: dict[str, Any], _at: datetime) -> list[Happening]:
    going_on = _("Training went on without it: step %(step)s in the same attempt.") % {"step": job.step}
    return [Happening(going_on, None), Happening(_("It answers again, and what was told meanwhile came in."), None)]


def _choices() -> list[dict[str, str]]:
    return [
        {
            "kind": "rank",
            "label": _("Kill a training process"),
            "text": _("The others stop within seconds; all go on from the last checkpoint."),
        },
        {
            "kind": "agent",
            "label": _("Kill an agent"),
            "text": _("Training does not notice. Its keeper starts it again, and it finds its process."),
        },
        {
            "kind": "web",
            "label": _("Kill the web server"),
            "text": _("Training goes on; this page comes back in some seconds without a gap."),
        },
    ]
