"""What a job that holds devices is doing."""

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from jobs.models import Job
from jobs.sentences import waits
from jobs.sentences.parts import Line, device, step
from jobs.states import JobState

STAGES: dict[str, Any] = {
    "preprocess": gettext_lazy("Each device opens its data."),
    "compile": gettext_lazy("Each device builds the model and compares it with the others."),
    "fine_tune": gettext_lazy("Training."),
    "evaluate": gettext_lazy("The result is measured on each device."),
}
ACTIVITIES: dict[str, Any] = {
    "checkpointing": gettext_lazy("Saving a checkpoint."),
    "evaluating": gettext_lazy("Evaluating."),
    "exporting": gettext_lazy("Writing the files of the result."),
    "uploading": gettext_lazy("Bringing the files of the result to the server."),
    "preparing_data": gettext_lazy("Bringing the data to the devices."),
}


def line(job: Job) -> Line:
    """The sentence of a driven job."""
    return STATES[JobState(job.state)](job)


def _preparing(job: Job) -> Line:
    if job.wait_reason:
        return waits.line(job.wait_reason, job.reason_params, job)
    return Line(str(STAGES.get(job.stage, _("The devices get ready."))), "info")


def _running(job: Job) -> Line:
    return Line(str(ACTIVITIES.get(job.activity) or STAGES.get(job.stage, STAGES["fine_tune"])), "info")


def _draining(job: Job) -> Line:
    params = job.reason_params
    known = {"user": params.get("user") or "?", "device": device(params), "step": step(job.step)}
    sentences = {
        "paused": _("%(user)s paused it. It saves a checkpoint and then waits."),
        "drained": _("It saves a checkpoint and leaves %(device)s, which takes no more jobs."),
        "shutdown": _("The server shuts down. It saves a checkpoint and goes on at the next start."),
        "preempted": _("It saves a checkpoint and gives its devices to something more urgent."),
    }
    return Line(sentences.get(params.get("why", ""), sentences["drained"]) % known, "hold")


def _cancelling(job: Job) -> Line:
    known = {"user": job.reason_params.get("user") or "?"}
    return Line(_("%(user)s stopped it. Its devices are being freed.") % known, "hold")


STATES: dict[JobState, Callable[[Job], Line]] = {
    JobState.CLAIMED: _preparing,
    JobState.STARTING: _preparing,
    JobState.RUNNING: _running,
    JobState.DRAINING: _draining,
    JobState.CANCELLING: _cancelling,
}
