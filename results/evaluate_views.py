"""Asking for measurements on a page: of a job, running or done, and from the page of its version."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from accounts.audit import address_of
from accounts.models import User
from accounts.permissions import may, require, visible
from contract.problems import Invalid
from contract.spec import SPLITS
from devices.models import Device
from jobs import weights
from jobs.models import Job
from results import asked_data, asked_model, measured, measuring, page, suites
from results.measuring import Question

OF_A_CHECKPOINT = "checkpoint:"
"""before its step, in the place of a file"""


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def evaluate(request: HttpRequest, number: int) -> HttpResponse:
    """Files and checkpoints of a job on any data and any devices, with all that was measured so far."""
    user = cast(User, request.user)
    job = get_object_or_404(visible(user, Job.objects.filter(removed_at=None)), pk=number)
    if request.method == "POST":
        require(user, "run", job)
        try:
            messages.success(request, asked(request, job, request.POST))
        except Invalid as invalid:
            messages.error(request, "\n".join(_(problem.sentence) % problem.params for problem in invalid.problems))
        return redirect("job_evaluate", number)
    rows = [page.row_of(row, job.task) for row in reversed(measured.runs_of_job(job))]
    context = form(job, user) | {
        "job": job,
        "rows": rows,
        "busy": any(row["state"] in ("pending", "running") for row in rows),
        "may_run": may(user, "run", job),
        "chosen": f"{OF_A_CHECKPOINT}{request.GET.get('checkpoint', '')}",
    }
    part = request.GET.get("part") == "measurements"
    return render(request, "results/measurements.html" if part else "results/evaluate.html", context)


def form(job: Job, user: User) -> dict[str, Any]:
    """What there is to choose from."""
    return {
        "runnable": asked_model.runnable(job),
        "checkpoints": [(f"{OF_A_CHECKPOINT}{row.step}", row) for row in weights.checkpoints_here(job)],
        "datasets": asked_data.others(job, user),
        "devices": Device.objects.filter(removed_at=None).order_by("slug"),
        "splits": SPLITS,
        "split": job.spec["evaluation"]["split"],
        "suites": suites.fitting(job.task),
        "default_suites": suites.DEFAULT,
    }


def asked(request: HttpRequest, job: Job, form: QueryDict) -> str:
    """Send what the form asks for; the sentence to show then. Raises Invalid."""
    artifact = form.get("artifact", "")
    step = artifact.removeprefix(OF_A_CHECKPOINT) if artifact.startswith(OF_A_CHECKPOINT) else None
    question = Question(
        artifact=artifact,
        checkpoint=int(step) if step and step.isdecimal() and len(step) < 16 else step,
        dataset=form.get("dataset", ""),
        split=form.get("split"),
        devices=form.getlist("device"),
        suites=form.getlist("suite"),
        foreign=form.get("foreign", ""),
    )
    rows = measuring.measure(job, question, cast(User, request.user), via="page", address=address_of(request))
    sentence = ngettext(
        "%(count)s device measures it as soon as it is free.",
        "%(count)s devices measure it as soon as they are free.",
        len(rows),
    )
    return sentence % {"count": len(rows)}
