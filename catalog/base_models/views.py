"""Pages of base models: the list, registering one, one model with its files and tensors."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import filter_text
from accounts import project as projects
from accounts.audit import address_of
from accounts.permissions import may, require
from catalog.base_models import pages, queries, roots, services
from catalog.base_models.forms import AddModelForm
from catalog.models import BaseModel
from catalog.services.datasets import InUse
from contract.problems import Invalid

PAGE_SIZE = 48


@login_required
@require_GET
def model_list(request: HttpRequest) -> HttpResponse:
    require(request.user, "see")
    text = request.GET.get("q", "").strip()[:400]
    page = Paginator(pages.filtered(request.user, text), PAGE_SIZE).get_page(request.GET.get("page"))
    unknown = filter_text.parse(text, pages.FILTERS).unknown
    context = {
        "page": page,
        "models": [(model, pages.short(model.parameters), queries.error_text(model)) for model in page.object_list],
        "busy": pages.is_busy(page.object_list),
        "query": text,
        "page_query": urlencode({"q": text}) if text else "",
        "unknown": [_("Models cannot be filtered by '%(name)s'.") % {"name": name} for name in unknown],
        "results": [point for ask in pages.starting_points for point in ask(request.user)],
    }
    template = "catalog/model_cards.html" if request.GET.get("part") == "rows" else "catalog/model_list.html"
    return render(request, template, context)


@login_required
@require_http_methods(["GET", "POST"])
def model_add(request: HttpRequest) -> HttpResponse:
    """Scripts ask for JSON, to show how far an upload is; without them this is a plain form."""
    project = projects.current(request.user)
    require(request.user, "run", project)
    form = AddModelForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            model = _add(request, form.cleaned_data, project)
        except Invalid as invalid:
            for problem in invalid.problems:
                sentence = _(problem.sentence) % problem.params
                form.add_error(problem.path if problem.path in form.fields else None, sentence)
        else:
            url = reverse("model", args=[model.slug])
            return JsonResponse({"url": url}, status=201) if _wants_json(request) else redirect(url)
    if form.errors and _wants_json(request):
        return JsonResponse({"errors": form.errors}, status=400)
    context = {"form": form, "roots": roots.allowed()}
    return render(request, "catalog/model_add.html", context, status=400 if form.errors else 200)


@login_required
@require_GET
def model(request: HttpRequest, slug: str) -> HttpResponse:
    """All of a model that is ready; how far the import is, or why it failed."""
    found = _model(request, slug)
    context: dict[str, Any] = {
        "model": found,
        "source": found.source.get("file") or found.source.get("path", ""),
        "error": queries.error_text(found),
        "may_change": may(request.user, "change", found),
        "may_run": may(request.user, "run", found),
    }
    if request.GET.get("part") == "now":
        return render(request, "catalog/model_import_now.html", context)
    if found.state != "ready":
        return render(request, "catalog/model_import.html", context)
    context |= pages.one(found) | {"parameters": pages.short(found.parameters), "uses": found.jobs.count()}
    return render(request, "catalog/model.html", context)


@login_required
@require_POST
def model_remove(request: HttpRequest, slug: str) -> HttpResponse:
    found = _model(request, slug)
    require(request.user, "change", found)
    if request.POST.get("name", "").strip() != found.name:
        messages.error(request, _("Type the name of the model to remove it. Nothing was removed."))
        return redirect("model", slug)
    try:
        services.remove(found, actor=request.user, via="page", address=address_of(request))
    except InUse as in_use:
        users = ", ".join(user["text"] for user in in_use.users[:5])
        messages.error(request, _("It stays, because these jobs use it: %(jobs)s.") % {"jobs": users})
        return redirect("model", slug)
    messages.success(request, _("%(name)s was removed.") % {"name": found.name})
    return redirect("models")


def _add(request: HttpRequest, asked: dict[str, Any], project) -> BaseModel:
    how: dict[str, Any] = {"via": "page", "address": address_of(request)}
    if asked["file"]:
        return services.add_upload(request.user, project, asked["name"], asked["file"], **how)
    return services.add_path(request.user, project, asked["name"], asked["path"], **how)


def _model(request: HttpRequest, slug: str) -> BaseModel:
    try:
        return queries.model_for(request.user, slug)
    except BaseModel.DoesNotExist as error:
        raise Http404 from error


def _wants_json(request: HttpRequest) -> bool:
    return "application/json" in request.headers.get("Accept", "")
