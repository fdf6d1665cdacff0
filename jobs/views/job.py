"""The page of one job, its tabs, and what its buttons do."""

from collections.abc import Callable
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.models import User
from accounts.permissions import require, visible
from config.formats import state_word
from contract.problems import Invalid
from devices import utilisation
from jobs import queries, requirements, sentences, services, task_metrics
from jobs.job_page import failure, headline, lanes, log_tail, point_table, recovery, stages, tabs
from jobs.models import Attempt, Job
from jobs.planning import forecasts
from jobs.services import trying
from jobs.states import DRIVEN, ENDED, JobState

PARTS = {"summary": "jobs/job_summary.html", "devices": "jobs/job_devices.html"}


@login_required
@require_GET
def job_page(request: HttpRequest, number: int | str, tab: str = "") -> HttpResponse:
    """The overview, or one of the tabs. `?part=` answers with a fragment that live pages put in place."""
    job = _job(request, number)
    if job.removed_at:
        return render(request, "jobs/job_gone.html", {"job": job, "text": tabs.gone_sentence(job)}, status=410)
    if request.GET.get("part") == "load":
        return render(request, "jobs/job_load.html", _load(job))
    context = _summary(request, job, tab)
    if request.GET.get("part") in PARTS:
        return render(request, PARTS[request.GET["part"]], context)
    if tab:
        return render(request, f"jobs/job_{tab}.html", context | tabs.content(job, tab))
    overview = _overview(job, context["attempt"], request.GET.get("log", "")) | _load(job)
    return render(request, "jobs/job.html", context | overview)


@login_required
@require_GET
def job_log(request: HttpRequest, number: int) -> StreamingHttpResponse:
    """The whole log as a text file."""
    job = _job(request, number)
    lines = log_tail.as_text(job, _names(job.attempts.last()))
    name = {"Content-Disposition": f'attachment; filename="job-{job.pk}.log"'}
    return StreamingHttpResponse(lines, content_type="text/plain; charset=utf-8", headers=name)


@login_required
@require_POST
def job_do(request: HttpRequest, number: int, verb: str) -> HttpResponse:
    """Press a button of the job's page: one service call, then back with what happened."""
    job = _job(request, number)
    if verb not in VERBS:
        raise Http404
    require(request.user, "change", job)
    try:
        VERBS[verb](cast(User, request.user), request.POST, job)
    except services.Refused as refusal:
        messages.error(request, str(refusal))
    except Invalid as invalid:
        messages.error(request, "\n".join(_(problem.sentence) % problem.params for problem in invalid.problems))
    else:
        messages.success(request, _done(verb, job))
    return redirect("jobs") if verb == "remove" else redirect("job", job.pk)


def _job(request: HttpRequest, number: int | str) -> Job:
    """The job, with all its parts. Raises Http404 when this reader may not know of it."""
    job = visible(request.user, queries.with_parts(Job.objects.all())).filter(pk=number).first()
    if job is None:
        raise Http404
    return job


def _summary(request: HttpRequest, job: Job, tab: str) -> dict[str, Any]:
    """What every tab shows on top, and what a change of state renews."""
    row = queries.job_row(job)
    attempts = list(job.attempts.all())
    attempt = attempts[-1] if attempts else None
    evaluations = list(job.evaluations.filter(attempt=attempt).select_related("device")) if attempt else []
    return {
        "job": job,
        "row": row,
        "attempt": attempt,
        "line": sentences.state_line(job),
        "actions": headline.actions(job, request.user),
        "progress_text": headline.progress_text(job, row),
        "epoch_text": headline.epoch_text(job),
        "tiles": headline.tiles(job, row, evaluations),
        "stages": stages.of(job, attempt),
        "lanes": lanes.of(attempt),
        "evaluations": evaluations,
        "requirements": SimpleLazyObject(lambda: requirements.verdicts(job)),
        "failure": failure.of(job) if job.state == JobState.FAILED else None,
        "trial": recovery.card(job, request.user),
        "forecast": forecasts.card(job),
        "page_title": headline.tab_title(job, row, state_word(job.state)),
        "tabs": tabs.bar(job, tab),
        "live": live_facts(job, attempts),
        "is_open": job.state not in ENDED,
        "is_driven": job.state in DRIVEN,
    }


def _overview(job: Job, attempt: Attempt | None, wanted_log: str) -> dict[str, Any]:
    names = _names(attempt)
    charts = [
        chart | {"table": point_table.of(job, chart["keys"].split(), names)} for chart in task_metrics.charts(job)
    ]
    return {
        "charts": charts,
        "log": log_tail.of(job, names, wanted_log),
        "wanted_log": wanted_log,
    }


def _load(job: Job) -> dict[str, Any]:
    """How busy each device of the last attempt is."""
    ranks = [rank for attempt in list(job.attempts.all())[-1:] for rank in attempt.ranks.all()]
    loads = [{"device": rank.device, "charts": utilisation.charts(rank.device)} for rank in ranks]
    return {"job": job, "is_driven": job.state in DRIVEN, "loads": loads}


def _names(attempt: Attempt | None) -> dict[int, str]:
    return {rank.rank: rank.device.slug for rank in attempt.ranks.all()} if attempt else {}


def _kind_of_failure(actor: User, form: QueryDict) -> str:
    """Raises PermissionDenied, or Http404 for one that there is not."""
    require(actor, "system")
    if form.get("kind") not in trying.KINDS:
        raise Http404
    return str(form["kind"])


def _clone_fitting(actor: User, job: Job) -> None:
    """Raises Http404 when it is not known which batch fits, and what `services.clone` raises."""
    fits = job.reason_params.get("fits")
    if not fits:
        raise Http404
    services.clone(job, actor, via="page", batch=fits)


def _no_point_yet(job: Job) -> str:
    """What an empty chart says: that it waits, or that nothing came."""
    if job.state in ENDED:
        return _("This job ended before its first step.")
    if job.state == JobState.PENDING:
        return sentences.state_line(job)["text"]
    return _("Points appear here from the first step on.")


def live_facts(job: Job, attempts: list[Attempt]) -> dict[str, Any]:
    """What the page's modules know from the start; renewed with the summary."""
    ranks = attempts[-1].ranks.all() if attempts else []
    return {
        "job": job.pk,
        "title": str(job),
        "name": job.name,
        "seq": job.seq,
        "state": job.state,
        "ended": job.state in ENDED,
        "empty": _no_point_yet(job),
        "stepsPerEpoch": job.steps_per_epoch,
        "devices": [{"rank": rank.rank, "name": rank.device.slug, "identity": rank.device_id - 1} for rank in ranks],
        "attempts": [{"number": attempt.number, "step": attempt.resumed_from_step or 0} for attempt in attempts],
    }


VERBS: dict[str, Callable[[User, QueryDict, Job], None]] = {
    "stop": lambda actor, form, job: services.cancel(job, actor, force=form.get("force") == "1"),
    "retry": lambda actor, form, job: services.retry(job, actor, start=form.get("from") == "start"),
    "pause": lambda actor, form, job: services.pause(job, actor),
    "resume": lambda actor, form, job: services.resume(job, actor),
    "start-now": lambda actor, form, job: services.resume(job, actor),
    "archive": lambda actor, form, job: services.change(job, actor, archived=True),
    "unarchive": lambda actor, form, job: services.change(job, actor, archived=False),
    "remove": lambda actor, form, job: services.remove(job, actor),
    "clone-fitting": lambda actor, form, job: _clone_fitting(actor, job),
    "try-failure": lambda actor, form, job: services.try_failure(job, actor, _kind_of_failure(actor, form)),
}


def _done(verb: str, job: Job) -> str:
    sentences_of = {
        "stop": _("%(job)s stops."),
        "retry": _("%(job)s is tried again."),
        "pause": _("%(job)s is paused."),
        "resume": _("%(job)s goes on."),
        "start-now": _("%(job)s starts as soon as its devices are free."),
        "archive": _("%(job)s is archived."),
        "unarchive": _("%(job)s is back in the list."),
        "remove": _("%(job)s is removed. What it left stays in the database."),
        "clone-fitting": _("A new job with the smaller batch is queued."),
        "try-failure": _("Something of %(job)s is about to break. Below it says what follows."),
    }
    return sentences_of[verb] % {"job": job}
