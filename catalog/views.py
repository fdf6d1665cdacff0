"""Pages of datasets: the list, adding one, one version with its samples and where it is ready."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import filter_text
from accounts import project as projects
from accounts.audit import address_of
from accounts.permissions import may, require
from catalog import pages, queries, services
from catalog.forms import AddDatasetForm
from catalog.models import Dataset, DatasetVersion
from contract.problems import Invalid
from devices.models import Device

PAGE_SIZE = 50
TABS = ("overview", "samples")


@login_required
@require_GET
def dataset_list(request: HttpRequest) -> HttpResponse:
    require(request.user, "see")
    text = request.GET.get("q", "").strip()[:400]
    page = Paginator(pages.filtered(request.user, text), PAGE_SIZE).get_page(request.GET.get("page"))
    rows = pages.rows(page.object_list)
    unknown = filter_text.parse(text, pages.FILTERS).unknown
    context = {
        "page": page,
        "rows": rows,
        "query": text,
        "busy": pages.is_busy(rows),
        "page_query": urlencode({"q": text}) if text else "",
        "unknown": [_("Datasets cannot be filtered by '%(name)s'.") % {"name": name} for name in unknown],
    }
    template = "catalog/dataset_rows.html" if request.GET.get("part") == "rows" else "catalog/dataset_list.html"
    return render(request, template, context)


@login_required
@require_http_methods(["GET", "POST"])
def dataset_add(request: HttpRequest) -> HttpResponse:
    """Scripts ask for JSON, to show how far an upload is; without them this is a plain form."""
    project = projects.current(request.user)
    require(request.user, "run", project)
    form = AddDatasetForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            dataset = _add(request, form.cleaned_data, project)
        except Invalid as invalid:
            for problem in invalid.problems:
                sentence = _(problem.sentence) % problem.params
                form.add_error(problem.path if problem.path in form.fields else None, sentence)
        else:
            return _answer(request, reverse("dataset", args=[dataset.slug]))
    if form.errors and _wants_json(request):
        return JsonResponse({"errors": form.errors}, status=400)
    context = {"form": form, "builtins": services.BUILTINS.items()}
    return render(request, "catalog/dataset_add.html", context, status=400 if form.errors else 200)


@login_required
@require_GET
def dataset(request: HttpRequest, slug: str) -> HttpResponse:
    """The newest version, or how far the import is, or why it failed."""
    found = _dataset(request, slug)
    version = queries.latest(found)
    if version and not found.importing_since:
        return redirect("dataset_version", slug, version.number)
    context = {"dataset": found, "parts": queries.dataset_json(found)}
    template = "catalog/import_now.html" if request.GET.get("part") == "now" else "catalog/dataset_import.html"
    return render(request, template, context)


@login_required
@require_GET
def dataset_version(request: HttpRequest, slug: str, number: int, tab: str = "overview") -> HttpResponse:
    if tab not in TABS:
        raise Http404
    found = _dataset(request, slug)
    version = get_object_or_404(found.versions, number=number)
    context: dict[str, Any] = {"dataset": found, "version": version, "tab": tab, "tabs": _tabs(version, tab)}
    context |= pages.overview(version) if tab == "overview" else _samples(request, version)
    context["may_change"] = may(request.user, "change", found)
    template = "catalog/readiness.html" if request.GET.get("part") == "readiness" else "catalog/dataset_version.html"
    return render(request, template, context)


@login_required
@require_POST
def dataset_do(request: HttpRequest, slug: str, verb: str) -> HttpResponse:
    found = _dataset(request, slug)
    if verb == "prepare":
        require(request.user, "run", found)
        return _prepare(request, found)
    require(request.user, "change", found)
    if verb == "rename":
        _tell(request, lambda: services.rename(found, request.POST.get("name", ""), actor=request.user, via="page"))
    elif verb == "sensitive":
        services.set_sensitive(found, request.POST.get("sensitive") == "1", actor=request.user, via="page")
        messages.success(request, _("Saved."))
    elif verb == "remove":
        return _remove(request, found)
    else:
        raise Http404
    return redirect("dataset", slug)


def _add(request: HttpRequest, asked: dict[str, Any], project) -> Dataset:
    how: dict[str, Any] = {"via": "page", "address": address_of(request)}
    if asked["file"]:
        return services.add_upload(request.user, project, asked["name"], asked["file"], **how)
    return services.add_builtin(request.user, project, asked["builtin"], name=asked["name"] or None, **how)


def _prepare(request: HttpRequest, found: Dataset) -> HttpResponse:
    """Ask a device to get the data that was prepared last; prepare it by the default recipe when none was."""
    version = queries.latest(found)
    if version is None:
        raise Http404
    prepared = pages.newest_prepared(version)
    if prepared is None or prepared.state == "failed":
        steps = prepared.recipe.steps if prepared else pages.recipes.default_steps(version, queries.task_of(version))
        prepared = services.prepare(version, steps)
    slug = request.POST.get("device", "")
    if slug:
        device = get_object_or_404(Device, slug=slug, removed_at=None)
        services.want_on(prepared, device)
        messages.success(request, _("%(device)s gets the data.") % {"device": device.name})
    else:
        messages.success(request, _("The data is being prepared."))
    return redirect("dataset_version", found.slug, version.number)


def _remove(request: HttpRequest, found: Dataset) -> HttpResponse:
    if request.POST.get("name", "").strip() != found.name:
        messages.error(request, _("Type the name of the dataset to remove it. Nothing was removed."))
        return redirect("dataset", found.slug)
    try:
        services.remove(found, actor=request.user, via="page")
    except services.InUse as in_use:
        users = ", ".join(user["text"] for user in in_use.users[:5])
        messages.error(request, _("It stays, because these jobs use it: %(jobs)s.") % {"jobs": users})
        return redirect("dataset", found.slug)
    messages.success(request, _("%(name)s was removed.") % {"name": found.name})
    return redirect("datasets")


def _tell(request: HttpRequest, act) -> None:
    try:
        act()
    except Invalid as invalid:
        messages.error(request, _(invalid.problems[0].sentence) % invalid.problems[0].params)
    else:
        messages.success(request, _("Saved."))


def _samples(request: HttpRequest, version: DatasetVersion) -> dict[str, Any]:
    """A page of samples, each beside what the recipe makes of it where that is known."""
    if not may(request.user, "see_raw", version.dataset):
        return {"denied": True}
    split, label = request.GET.get("split", ""), request.GET.get("class", "")
    number = request.GET.get("page", "1")
    found = queries.samples(version, split, int(number) if number.isdecimal() and len(number) < 9 else 1, label)
    prepared = pages.newest_prepared(version)
    steps = prepared.recipe.steps if prepared else pages.recipes.default_steps(version, queries.task_of(version))
    kept = {name: value for name, value in (("split", split), ("class", label)) if value}
    return {
        "samples": found,
        "preview": queries.preview(version, steps) if number == "1" and not split and not label else [],
        "split": split,
        "label": label,
        "split_names": list(version.splits),
        "class_names": version.schema.get("classes", [])[:500],
        "sample_query": urlencode(kept),
    }


def _tabs(version: DatasetVersion, tab: str) -> list[dict[str, Any]]:
    base = reverse("dataset_version", args=[version.dataset.slug, version.number])
    labels = {"overview": _("Overview"), "samples": _("Samples")}
    return [
        {
            "url": base if name == "overview" else f"{base}{name}/",
            "label": labels[name],
            "current": name == tab,
            "count": version.items if name == "samples" else "",
        }
        for name in TABS
    ]


def _dataset(request: HttpRequest, slug: str) -> Dataset:
    try:
        return queries.dataset_for(request.user, slug)
    except Dataset.DoesNotExist as error:
        raise Http404 from error


def _answer(request: HttpRequest, url: str) -> HttpResponse:
    return JsonResponse({"url": url}, status=201) if _wants_json(request) else redirect(url)


def _wants_json(request: HttpRequest) -> bool:
    return "application/json" in request.headers.get("Accept", "")
