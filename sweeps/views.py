"""Pages of sweeps: the list, starting one, and one with its trials."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.audit import address_of
from accounts.models import User
from accounts.permissions import may, require
from contract.problems import Invalid
from jobs.models import Job
from sweeps import form, page, queries, services
from sweeps.models import OPEN, Sweep, SweepState
from sweeps.plan import ALGORITHMS, Plan

PAGE_SIZE = 50


@login_required
@require_GET
def sweep_list(request: HttpRequest) -> HttpResponse:
    require(request.user, "see")
    shown = Paginator(queries.sweeps_of(request.user), PAGE_SIZE).get_page(request.GET.get("page"))
    rows = [queries.sweep_row(sweep) for sweep in shown.object_list]
    return render(request, "sweeps/sweep_list.html", {"page": shown, "rows": rows})


@login_required
@require_http_methods(["GET", "POST"])
def sweep_new(request: HttpRequest) -> HttpResponse:
    """From a job that is there: its spec is the base. `do=count` says what it would be and starts nothing."""
    require(request.user, "run")
    reader = cast(User, request.user)
    jobs = form.jobs_to_start_from(reader)
    context: dict[str, Any] = {"algorithms": ALGORITHMS, "fields": form.VARIED, "jobs": jobs}
    if request.method == "GET":
        job = _named(request.GET.get("job", ""), jobs) or (jobs[0] if jobs else None)
        return render(request, "sweeps/sweep_new.html", context | {"form": form.blank(reader, job), "from_job": job})
    job = _named(request.POST.get("job", ""), jobs)
    context |= {"form": form.typed_again(request.POST), "from_job": job}
    try:
        asked = form.body(request.POST)
        if request.POST.get("do") != "count":
            return redirect("sweep", services.start(reader, asked, via="page", address=address_of(request)).pk)
        context["forecast"] = form.forecast(Plan.parse(asked), job)
    except Invalid as invalid:
        context["problems"] = [f"{p.path}: {_(p.sentence) % p.params}" for p in invalid.problems]
    return render(request, "sweeps/sweep_new.html", context, status=400 if "problems" in context else 200)


@login_required
@require_GET
def sweep_page(request: HttpRequest, number: int) -> HttpResponse:
    sweep = _sweep(request, number)
    context = page.of(sweep) | {"may_change": may(request.user, "change", sweep), "is_open": sweep.state in OPEN}
    context["may_extend"] = sweep.state in (*OPEN, SweepState.FINISHED) and sweep.plan["algorithm"] != "grid"
    part = request.GET.get("part") == "now"
    return render(request, "sweeps/now.html" if part else "sweeps/sweep.html", context)


@login_required
@require_POST
def sweep_do(request: HttpRequest, number: int, verb: str) -> HttpResponse:
    sweep = _sweep(request, number)
    if verb not in ("pause", "resume", "stop", "extend"):
        raise Http404
    require(request.user, "change", sweep)
    more = request.POST.get("trials", "")
    asked = [int(more) if more.isdecimal() and len(more) < 7 else None] if verb == "extend" else []
    try:
        getattr(services, verb)(sweep, *asked, request.user, via="page", address=address_of(request))
    except services.Refused as refusal:
        messages.error(request, str(refusal))
    except Invalid as invalid:
        messages.error(request, "\n".join(_(problem.sentence) % problem.params for problem in invalid.problems))
    return redirect("sweep", number)


def _sweep(request: HttpRequest, number: int) -> Sweep:
    found = queries.sweeps_of(request.user).filter(pk=number).first()
    if found is None:
        raise Http404
    return found


def _named(number: str, jobs: list[Job]) -> Job | None:
    return next((job for job in jobs if str(job.pk) == number), None)
