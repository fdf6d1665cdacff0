"""Adding data: a new dataset, or a new version of one. Scripts ask for JSON; without them these are plain forms."""

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts import project as projects
from accounts.audit import address_of
from accounts.permissions import require
from catalog import services
from catalog.forms import AddDatasetForm, AddVersionForm, ImportForm
from catalog.models import Dataset
from catalog.services import sources
from catalog.views.finding import dataset_at, go_to, wants_json
from contract.problems import Invalid


@login_required
@require_http_methods(["GET", "POST"])
def dataset_add(request: HttpRequest) -> HttpResponse:
    project = projects.current(request.user)
    require(request.user, "run", project)
    form = AddDatasetForm(*_sent(request))
    if request.method == "POST" and form.is_valid():
        dataset = _tried(form, lambda: _add(request, form, project))
        if dataset:
            return go_to(request, reverse("dataset", args=[dataset.slug]))
    return _page(request, form, {"builtins": services.BUILTINS.items()})


@login_required
@require_http_methods(["GET", "POST"])
def version_add(request: HttpRequest, slug: str) -> HttpResponse:
    """Another file, or the last one read otherwise."""
    dataset = dataset_at(request, slug)
    require(request.user, "change", dataset)
    again = sources.to_read_again(dataset)
    form = AddVersionForm(
        request.POST or None, request.FILES or None, again=again is not None, initial=dataset.asked.get("options")
    )
    if request.method == "POST" and form.is_valid() and _tried(form, lambda: _add_version(request, form, dataset)):
        return go_to(request, reverse("dataset", args=[slug]))
    return _page(request, form, {"dataset": dataset, "again": again})


def _sent(request: HttpRequest) -> tuple[Any, Any]:
    return (request.POST, request.FILES) if request.method == "POST" else (None, None)


def _add(request: HttpRequest, form: AddDatasetForm, project) -> Dataset:
    with transaction.atomic():
        source = _source(request, form.cleaned_data) or {}
        told: dict[str, Any] = {"options": form.options(), "review": form.when_to_ask(), "via": "page"}
        told["address"] = address_of(request)
        return services.add(request.user, project, source, name=form.cleaned_data["name"], **told)


def _add_version(request: HttpRequest, form: AddVersionForm, dataset: Dataset) -> bool:
    with transaction.atomic():
        source = _source(request, form.cleaned_data)
        told: dict[str, Any] = {"review": form.when_to_ask(), "via": "page", "address": address_of(request)}
        services.add_version(dataset, source, form.options(), request.user, **told)
    return True


def _source(request: HttpRequest, asked: dict[str, Any]) -> sources.Source | None:
    if asked.get("file"):
        return sources.file(asked["file"])
    if asked.get("upload"):
        return sources.upload(request.user, asked["upload"])
    if asked.get("directory"):
        return sources.directory(asked["directory"])
    return sources.builtin(asked["builtin"]) if asked.get("builtin") else None


def _tried(form: ImportForm, act) -> Any:
    """What `act` gives; None when it was refused, with its reasons in the form."""
    try:
        return act()
    except Invalid as invalid:
        for problem in invalid.problems:
            sentence = _(problem.sentence) % problem.params
            form.add_error(problem.path if problem.path in form.fields else None, sentence)
    except services.Busy:
        form.add_error(None, _(services.BUSY))
    return None


def _page(request: HttpRequest, form: ImportForm, context: dict[str, Any]) -> HttpResponse:
    if form.errors and wants_json(request):
        return JsonResponse({"errors": form.errors}, status=400)
    context |= {"form": form, "roots": settings.FLEETUNE_DATA_ROOTS, "open": any(form.options().to_json().values())}
    return render(request, "catalog/dataset_add.html", context, status=400 if form.errors else 200)
