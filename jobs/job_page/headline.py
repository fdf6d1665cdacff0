"""The top of a job's page: what may be done, how far it is, and the numbers that matter in its state."""

from collections.abc import Iterable
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.permissions import may
from config.formats import duration, metric, percent, whole
from jobs import headline_figure, task_metrics
from jobs.models import Evaluation, Job
from jobs.states import DRIVEN, ENDED, JobState

BEFORE_STEPS = (JobState.PENDING, JobState.CLAIMED, JobState.STARTING)


def progress_text(job: Job, row: dict[str, Any]) -> str:
    """Step, share and time left in one sentence; words only while the length is not known."""
    if not job.total_steps or (job.state in BEFORE_STEPS and not job.step):
        return _("Not started yet") if job.state not in DRIVEN else _("Getting ready for the first step")
    parts = {"step": whole(job.step), "total": whole(job.total_steps), "share": percent(row["progress"])}
    text = _("Step %(step)s of %(total)s · %(share)s") % parts
    left = time_left(row["eta_seconds"]) if job.state == JobState.RUNNING else ""
    return f"{text} · {left}" if left else text


def time_left(seconds: float | None) -> str:
    """A range that narrows; `static/js/format.js` says the same."""
    if seconds is None:
        return _("Measuring speed…")
    if seconds < 5:
        return _("a few seconds left")
    low, high = seconds * 0.9, seconds * 1.15
    if high < 90:
        return _("about %(low)s–%(high)s s left") % {"low": _to_five(low), "high": _to_five(high)}
    if high < 5400:
        first, last = max(1, round(low / 60)), round(high / 60)
        if first >= last:
            return _("about %(n)s min left") % {"n": first}
        return _("about %(low)s–%(high)s min left") % {"low": first, "high": last}
    return _("about %(low)s–%(high)s h left") % {"low": f"{low / 3600:.1f}", "high": f"{high / 3600:.1f}"}


def tiles(job: Job, row: dict[str, Any], evaluations: Iterable[Evaluation]) -> list[dict[str, str]]:
    """The few numbers beside the progress: the figure of the job, then the last points of others, and the time."""
    figure = headline_figure.of_job(job, evaluations)
    numbers = [(figure.key, figure.label, figure.value)] if figure else []
    numbers += [(key, label, row["summary"].get(key)) for key, label in task_metrics.result_keys(job)]
    shown: dict[str, dict[str, str]] = {}
    for key, label, value in numbers:
        if value is not None:
            shown.setdefault(label, {"label": label, "number": metric(value, key), "key": key})
    first = list(shown.values())
    if job.started_at:
        first.insert(3, {"label": _("Elapsed"), "number": duration(elapsed_seconds(job)), "key": "elapsed"})
    return first[:4]


def elapsed_seconds(job: Job) -> float | None:
    if job.started_at is None:
        return None
    return ((job.ended_at or timezone.now()) - job.started_at).total_seconds()


def tab_title(job: Job, row: dict[str, Any], word: str) -> str:
    """`62% · cifar-lora · Running`."""
    title = f"{job.name or _('Job')} · {word}"
    return f"{percent(row['progress'])} · {title}" if job.state in DRIVEN and job.total_steps else title


def actions(job: Job, actor: Any) -> dict[str, Any]:
    """Which buttons the page shows, and whether this reader may press them."""
    return {
        "may_change": may(actor, "change", job),
        "may_run": may(actor, "run", job),
        "may_download": may(actor, "download", job),
        "stop": job.state not in ENDED and job.state != JobState.CANCELLING,
        "force": job.state == JobState.CANCELLING,
        "retry": job.state in (JobState.FAILED, JobState.CANCELLED),
        "pause": job.state in (JobState.PENDING, JobState.RUNNING) and job.wait_reason != "paused",
        "resume": job.state == JobState.PENDING and job.wait_reason == "paused",
        "remove": job.state in ENDED,
        "archive": job.state in ENDED and not job.archived,
        "unarchive": job.archived,
    }


def epoch_text(job: Job) -> str:
    if not job.steps_per_epoch or not job.step:
        return ""
    total = job.total_steps / job.steps_per_epoch
    parts = {"epoch": f"{job.step / job.steps_per_epoch:.1f}", "total": f"{total:.1f}".removesuffix(".0")}
    return _("Epoch %(epoch)s of %(total)s") % parts


def _to_five(seconds: float) -> int:
    return max(5, round(seconds / 5) * 5)
