"""The page of a new job: one form and its text, checked by the server while it is filled in, kept as a draft."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts import drafts
from accounts import project as projects
from accounts.models import Draft
from accounts.permissions import may, require, visible
from accounts.requests import signed_in
from contract.problems import Invalid
from jobs import demo, job_filling, job_opening, new_job_page, preflight_page, services, spec_form, spec_presets
from jobs.job_filling import Filling
from jobs.models import Job

KIND = "job"


@dataclass
class Sheet:
    """What lies on the table: the filling, the job it was cloned from, its draft and the preflight of it."""

    filling: Filling
    base: Job | None = None
    draft: Draft | None = None
    preflight: preflight_page.Run | None = None


@login_required
@require_http_methods(["GET", "POST"])
def new_job(request: HttpRequest, number: int | None = None) -> HttpResponse:
    require(request.user, "see")
    if request.method == "POST":
        return _act(request, number)
    return _page(request, _opened(request, number))


@login_required
@require_POST
def check(request: HttpRequest) -> JsonResponse:
    """What the page asks while one types: problems, plan, text, and the form's values after a preset or a paste."""
    require(request.user, "see")
    sheet = _posted(request)
    try:
        _keep(request, sheet)
    except drafts.ChangedMeanwhile:
        return JsonResponse({"conflict": True}, status=409)
    return JsonResponse(_told(request, sheet))


@login_required
@require_POST
def preflight(request: HttpRequest) -> JsonResponse:
    """Start a preflight of what is filled in; of one that was started (`numbers`) say how far it is, or `cancel` it."""
    require(request.user, "run")
    numbers = _numbers(request.POST.get("numbers", ""))
    sheet = _posted(request)
    if numbers:
        look = preflight_page.cancel if request.POST.get("cancel") else preflight_page.progress
        sheet.preflight = look(signed_in(request), numbers, sheet.filling.body)
    elif sheet.filling.spec is not None:
        sheet.preflight = preflight_page.start(signed_in(request), sheet.filling.body)
    return JsonResponse(_told(request, sheet))


def _act(request: HttpRequest, number: int | None) -> HttpResponse:
    """A button that was pressed without scripts, or Start."""
    sheet = _posted(request, number)
    verb, _colon, of = request.POST.get("do", "").partition(":")
    if verb == "start" and sheet.filling.spec is not None:
        return _start(request, sheet)
    if verb == "preflight" and sheet.filling.spec is not None:
        require(request.user, "run")
        sheet.preflight = preflight_page.start(signed_in(request), sheet.filling.body)
    if verb == "cancel-preflight":
        require(request.user, "run")
        sheet.preflight = preflight_page.cancel(signed_in(request), _numbers(of), sheet.filling.body)
    if verb == "save":
        draft = _keep(request, sheet)
        messages.success(request, _("The draft is kept."))
        return redirect("job_draft", draft.pk)
    status = 400 if verb in ("start", "preflight") and sheet.filling.problems else 200
    return _page(request, sheet, status)


def _start(request: HttpRequest, sheet: Sheet) -> HttpResponse:
    try:
        job = services.submit(signed_in(request), sheet.filling.body, via="page")
    except Invalid as invalid:
        sheet.filling.problems = [job_filling.told(problem, body=sheet.filling.body) for problem in invalid.problems]
        return _page(request, sheet, 400)
    drafts.forget(sheet.draft)
    messages.success(request, _("Job #%(number)s is queued.") % {"number": job.pk})
    return redirect("job", job.pk)


def _opened(request: HttpRequest, number: int | None) -> Sheet:
    user = signed_in(request)
    draft = drafts.find(user, KIND, number)
    if number and draft is None:
        messages.warning(request, _("This draft is gone: it was started or given up. Here is a fresh form."))
    base = _base(request, draft.data.get("from") if draft else request.GET.get("from"))
    if draft:
        body = draft.data.get("body", {})
        if draft.data.get("text"):
            return Sheet(job_filling.of_text(draft.data["text"], user), base, draft)
    elif base:
        body = demo.as_own(base)
    else:
        body = job_opening.body(user, request.GET)
    return Sheet(job_filling.of_body(body, user), base, draft)


def _posted(request: HttpRequest, number: int | None = None) -> Sheet:
    base = _base(request, request.POST.get("from"))
    draft_number = number or _whole(request.POST.get("draft"))
    before = spec_form.complete(base.spec) if base else None
    user = signed_in(request)
    filling = job_filling.of_post(request.POST, user, before)
    return Sheet(filling, base, drafts.find(user, KIND, draft_number))


def _base(request: HttpRequest, number: Any) -> Job | None:
    number = _whole(number)
    return get_object_or_404(visible(request.user, Job.objects.filter(removed_at=None)), pk=number) if number else None


def _keep(request: HttpRequest, sheet: Sheet) -> Draft:
    """Save the draft. A text that cannot be read is kept as text."""
    user, filling = signed_in(request), sheet.filling
    readable = bool(filling.body)
    data = {"body": filling.body, "text": "" if readable else filling.text, "from": sheet.base.pk if sheet.base else 0}
    seen = "" if request.POST.get("overwrite") else request.POST.get("seen", "")
    draft = drafts.keep(user, projects.current(user), KIND, data, draft=sheet.draft, seen=seen)
    sheet.draft = draft
    return draft


def _told(request: HttpRequest, sheet: Sheet) -> dict[str, Any]:
    context = new_job_page.parts(signed_in(request), sheet.filling, sheet.base, sheet.preflight)
    by_path: dict[str, list[str]] = {}
    for told in sheet.filling.problems:
        by_path.setdefault(told.path, []).append(told.sentence)
    answer: dict[str, Any] = {
        "summary": render_to_string("jobs/new/summary.html", context, request),
        "changes": render_to_string("jobs/new/changes.html", context, request) if sheet.base else "",
        "preflight": render_to_string("jobs/new/preflight.html", context, request) if sheet.preflight else "",
        "recipe_words": render_to_string("jobs/new/recipe_words.html", context, request),
        "recipe_chosen": context["recipe_chosen"],
        "recipe_chosen_for": context["recipe_chosen_for"],
        "problems": by_path,
        "text": sheet.filling.text,
        "values": sheet.filling.values if sheet.filling.body else {},
        "preset": spec_presets.matching(sheet.filling.body),
        "ready": sheet.filling.spec is not None,
    }
    if sheet.draft:
        answer |= {
            "draft": sheet.draft.pk,
            "seen": drafts.stamp(sheet.draft.updated_at),
            "draft_url": reverse("job_draft", args=[sheet.draft.pk]),
        }
    return answer


def _page(request: HttpRequest, sheet: Sheet, status: int = 200) -> HttpResponse:
    user = signed_in(request)
    context = new_job_page.parts(user, sheet.filling, sheet.base, sheet.preflight)
    context |= new_job_page.choices(user, sheet.filling)
    context |= {
        "draft": sheet.draft,
        "seen": drafts.stamp(sheet.draft.updated_at) if sheet.draft else "",
        "may_start": may(user, "run"),
        "other_drafts": [] if sheet.draft or sheet.base else [_titled(one) for one in drafts.of(user, KIND)],
    }
    return render(request, "jobs/new_job.html", context, status=status)


def _titled(draft: Draft) -> dict[str, Any]:
    body = draft.data.get("body") or {}
    title = body.get("name") or body.get("dataset") or _("Without a name")
    return {"number": draft.pk, "title": str(title), "at": draft.updated_at}


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",") if part.isdecimal() and len(part) < 16]


def _whole(text: Any) -> int:
    return int(text) if str(text or "").isdecimal() and len(str(text)) < 16 else 0
