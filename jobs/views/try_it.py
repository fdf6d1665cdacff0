"""Try it: a form for one picture, text or row, and the answer of a job's newest weights."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.permissions import require, visible
from accounts.requests import signed_in
from contract.problems import Invalid
from jobs import predictions, queries
from jobs.models import Errand, Job
from jobs.predictions import answers, page

WAIT_S = 2.0
"""a page asks again by itself"""
ROW = "row."


@login_required
@require_http_methods(["GET", "POST"])
def try_it(request: HttpRequest, number: int) -> HttpResponse:
    """The form; with `?question=` how far an answer is. A script asks for parts and puts them in place."""
    job = visible(request.user, queries.with_parts(Job.objects.filter(removed_at=None))).filter(pk=number).first()
    if job is None:
        raise Http404
    require(request.user, "run", job)
    shown = _answer(request, job)
    by_script = request.headers.get("HX-Request") == "true"
    status = 400 if shown.get("problems") and not by_script else 200
    if by_script and (request.method == "POST" or "question" in request.GET):
        return render(request, "jobs/try_it/answer.html", shown)
    template = "jobs/try_it/form.html" if by_script else "jobs/try_it/page.html"
    asked = _body(request) if request.method == "POST" else {}
    return render(request, template, page.form(job, signed_in(request), asked) | shown, status=status)


def _answer(request: HttpRequest, job: Job) -> dict[str, Any]:
    if request.method == "POST":
        try:
            return page.answer(job, predictions.ask(job, _body(request), signed_in(request), within=WAIT_S))
        except Invalid as invalid:
            return {"problems": [page.problem(problem) for problem in invalid.problems]}
        except predictions.Nothing as nothing:
            return {"problems": [str(nothing)]}
    question = request.GET.get("question", "")
    if not question.isdecimal() or len(question) > 15:
        return {}
    errand = Errand.objects.filter(pk=question, kind=answers.KIND, owner=signed_in(request)).first()
    if errand is None or errand.payload["source"] != job.pk:
        return {"problems": [_("This answer is forgotten by now. Ask again.")]}
    return page.answer(job, predictions.of_errand(errand))


def _body(request: HttpRequest) -> dict[str, Any]:
    """What the form holds; a sample that was clicked goes before all else."""
    device = {"device": request.POST.get("device", "")}
    if request.POST.get("sample"):
        return device | {"sample": request.POST["sample"]}
    row = {name.removeprefix(ROW): value for name, value in request.POST.items() if name.startswith(ROW)}
    found = {"image": request.FILES.get("image"), "text": request.POST.get("text"), "row": row}
    return device | {name: value for name, value in found.items() if value}
