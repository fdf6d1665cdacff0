"""Pages of results: the list, and one version with everything that is known of it."""

from collections.abc import Callable
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.audit import address_of
from accounts.models import User
from accounts.permissions import may, require
from contract.problems import Invalid
from contract.tasks import TASKS
from results import (
    evaluate_views,
    helped,
    limits,
    measured,
    page,
    quality,
    queries,
    samples,
    services,
    side_by_side,
    slices,
)
from results.answers import Answers
from results.models import ResultVersion, Stage

PAGE_SIZE = 50


@login_required
@require_GET
def result_list(request: HttpRequest) -> HttpResponse:
    require(request.user, "see")
    filters = {name: request.GET.get(name, "").strip()[:120] for name in ("search", "stage", "task")}
    shown = Paginator(queries.filtered(request.user, filters), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "page": shown,
        "rows": [queries.result_json(row, queries.newest(row)) for row in shown.object_list],
        "filters": filters,
        "stages": Stage.choices,
        "page_query": urlencode({name: value for name, value in filters.items() if value}),
    }
    return render(request, "results/result_list.html", context)


@login_required
@require_GET
def result(request: HttpRequest, slug: str) -> HttpResponse:
    """The newest version."""
    newest = queries.versions_of(request.user).filter(result__slug=slug).order_by("-number").first()
    if newest is None:
        raise Http404
    return redirect("result_version", slug, newest.number)


@login_required
@require_GET
def result_of_job(request: HttpRequest, job: int) -> HttpResponse:
    """The version that a job made."""
    version = queries.versions_of(request.user).filter(job=job).first()
    if version is None:
        raise Http404
    return redirect("result_version", version.result.slug, version.number)


@login_required
@require_GET
def result_version(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    version = _version(request, slug, number)
    context = page.of(version, request.GET.get("measured", ""))
    context |= {
        "versions": queries.versions_of(request.user).filter(result=version.result).order_by("-number"),
        "stages": Stage.choices,
        **evaluate_views.form(version.job, cast(User, request.user)),
        "may_change": may(request.user, "change", version),
        "may_approve": may(request.user, "approve", version),
        "may_download": may(request.user, "download", version),
        "may_run": may(request.user, "run", version),
        **_against(version, request.GET.get("against", "")),
        **_samples(request, version, context["quality"]),
        "kind": TASKS[version.result.task].kind,
        "classes": version.job.prepared.manifest.get("classes"),
        "snippets": page.snippets(version, f"{request.scheme}://{request.get_host()}"),
    }
    part = request.GET.get("part")
    template = "results/measurements.html" if part == "measurements" else "results/result_version.html"
    return render(request, template, context)


def _against(version: ResultVersion, number: str) -> dict[str, Any]:
    """The other version that somebody wants to see beside this one."""
    others = version.result.versions.filter(job__removed_at=None).exclude(pk=version.pk)
    if not (number.isascii() and number.isdecimal() and len(number) < 9):
        return {}
    other = others.select_related("job__version__dataset", "job__prepared").filter(number=int(number)).first()
    if other is None:
        return {}
    told = side_by_side.shown(side_by_side.compared(version, other))
    return {"against": told, "against_helped": helped.of(told)}


def _samples(request: HttpRequest, version: ResultVersion, shown: dict[str, Any] | None) -> dict[str, Any]:
    """The samples that the model errs at most and where it is weakest, for those who may see samples."""
    measurement = measured.kept().get(pk=shown["of"]["rows_of"]) if shown else None
    if shown is None or measurement is None or not may(request.user, "see_raw", measurement.dataset):
        return {"worst": [], "weakest": {"slices": []}}
    rows = shown["of"]["details"].get("worst", [])[: quality.WORST_SHOWN]
    worst = samples.samples(measurement, Answers(measurement), rows)
    return {"worst": worst, "weakest": slices.weakest(measurement)}


@login_required
@require_POST
def version_do(request: HttpRequest, slug: str, number: int, verb: str) -> HttpResponse:
    """Press a button of the page: one service call, then back with what happened."""
    version = _version(request, slug, number)
    if verb not in VERBS:
        raise Http404
    try:
        done = VERBS[verb](request, version, request.POST)
    except Invalid as invalid:
        messages.error(request, "\n".join(_(problem.sentence) % problem.params for problem in invalid.problems))
    else:
        messages.success(request, done)
    return redirect("result_version", slug, number)


def _version(request: HttpRequest, slug: str, number: int) -> ResultVersion:
    found = queries.versions_of(request.user).filter(result__slug=slug, number=number).first()
    if found is None:
        raise Http404
    return found


def _stage(request: HttpRequest, version: ResultVersion, form: QueryDict) -> str:
    approves = Stage.APPROVED in (form.get("stage"), version.stage)
    require(request.user, "approve" if approves else "change", version)
    services.set_stage(version, form.get("stage"), form.get("reason"), request.user, **_told(request))
    return _("This version is now: %(stage)s.") % {"stage": Stage(version.stage).label}


def _card(request: HttpRequest, version: ResultVersion, form: QueryDict) -> str:
    require(request.user, "change", version)
    services.set_card(version, form.get("card", ""), request.user, **_told(request))
    return _("The model card is saved.")


def _limits(request: HttpRequest, version: ResultVersion, form: QueryDict) -> str:
    require(request.user, "change", version.result)
    texts = [line for line in form.get("requirements", "").splitlines() if line.strip()]
    limits.set_requirements(version.result, texts, request.user, **_told(request))
    return _("Every version of this model is held against %(count)s limits now.") % {"count": len(texts)}


def _measure(request: HttpRequest, version: ResultVersion, form: QueryDict) -> str:
    require(request.user, "run", version)
    return evaluate_views.asked(request, version.job, form)


def _told(request: HttpRequest) -> dict[str, Any]:
    return {"via": "page", "address": address_of(request)}


VERBS: dict[str, Callable[[HttpRequest, ResultVersion, QueryDict], str]] = {
    "stage": _stage,
    "card": _card,
    "limits": _limits,
    "measure": _measure,
}
