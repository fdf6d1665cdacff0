"""Where a job stands, in one sentence that says what happened, why, and what can be done about it.

`state_line(job)` is what pages, REST and sockets show. Every wait and end reason has its sentence in `waits` or `ends`.
"""

from typing import Any

from django.utils.translation import gettext as _

from jobs.models import Attempt, Job
from jobs.sentences import ends, going, waits
from jobs.sentences.parts import Line
from jobs.states import DRIVEN, JobState

__all__ = ["attempt_text", "end_text", "state_line", "wait_text"]

TONES = {JobState.SUCCEEDED: "ok", JobState.FAILED: "bad", JobState.CANCELLED: "neutral"}


def state_line(job: Job) -> dict[str, Any]:
    """{"text", "tone", "actions": [{"label", "url", "method", "verb"}]}; tone: neutral, info, ok, warn, bad or hold."""
    if job.state in DRIVEN:
        return going.line(job).to_json()
    if job.state == JobState.PENDING:
        return waits.line(job.wait_reason, job.reason_params, job).to_json()
    line = ends.line(job.end_reason, job.reason_params, job)
    return Line(line.text, TONES[JobState(job.state)], line.actions).to_json()


def wait_text(reason: str, params: dict[str, Any], job: Job) -> str:
    """The sentence of a wait reason."""
    return waits.line(reason, params, job).text


def end_text(reason: str, params: dict[str, Any], job: Job) -> str:
    """The sentence of an end reason, "" for a plain success."""
    return ends.line(reason, params, job).text if reason else ""


def attempt_text(attempt: Attempt, job: Job) -> str:
    """How an attempt ended, for the list of attempts; "" while it is open."""
    if attempt.ended_at is None:
        return ""
    return end_text(attempt.end_reason, attempt.reason_params, job) or _("It finished.")
