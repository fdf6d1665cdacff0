"""Buttons of dataset pages: prepare, rename, mark, clean, stop an import, remove."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.audit import address_of
from accounts.permissions import require
from catalog import queries, recipes, services
from catalog.models import Dataset
from catalog.views.finding import dataset_at, tell
from contract.problems import Invalid
from devices.models import Device


@login_required
@require_POST
def dataset_do(request: HttpRequest, slug: str, verb: str) -> HttpResponse:
    found = dataset_at(request, slug)
    if verb == "prepare":
        require(request.user, "run", found)
        return _prepare(request, found)
    require(request.user, "change", found)
    if verb == "rename":
        tell(request, lambda: services.rename(found, request.POST.get("name", ""), actor=request.user, via="page"))
    elif verb == "sensitive":
        services.set_sensitive(found, request.POST.get("sensitive") == "1", actor=request.user, via="page")
        messages.success(request, _("Saved."))
    elif verb == "clean":
        return _clean(request, found)
    elif verb == "stop":
        return _stop(request, found)
    elif verb == "commit":
        _commit(request, found)
    elif verb == "remove":
        return _remove(request, found)
    else:
        raise Http404
    return redirect("dataset", slug)


def _prepare(request: HttpRequest, found: Dataset) -> HttpResponse:
    """Ask a device to get the data that was prepared last; prepare it by the default recipe when none was."""
    version = queries.latest(found)
    if version is None:
        raise Http404
    prepared = queries.newest_prepared(version)
    if prepared is None or prepared.state == "failed":
        steps = prepared.recipe.steps if prepared else recipes.default_steps(version, queries.task_of(version))
        prepared = services.prepare(version, steps)
    slug = request.POST.get("device", "")
    if slug:
        device = get_object_or_404(Device, slug=slug, removed_at=None)
        services.want_on(prepared, device)
        messages.success(request, _("%(device)s gets the data.") % {"device": device.name})
    else:
        messages.success(request, _("The data is being prepared."))
    return redirect("dataset_version", found.slug, version.number)


def _clean(request: HttpRequest, found: Dataset) -> HttpResponse:
    """Another version without what was ticked; its import shows on the dataset's page."""
    number = request.POST.get("version", "")
    version = get_object_or_404(found.versions, number=int(number) if number.isdecimal() and len(number) < 9 else 0)
    told: dict[str, Any] = {"actor": request.user, "via": "page", "address": address_of(request)}
    without = request.POST.getlist("without")
    try:
        if not without:
            messages.error(request, _("Choose what to leave out."))
            return redirect("dataset_version", found.slug, version.number, "checks")
        services.clean(version, without, **told)
        messages.success(request, _("The clean version is being made; this one stays as it is."))
    except Invalid as invalid:
        messages.error(request, _(invalid.problems[0].sentence) % invalid.problems[0].params)
    except services.Busy:
        messages.error(request, _(services.BUSY))
    return redirect("dataset", found.slug)


def _commit(request: HttpRequest, found: Dataset) -> None:
    try:
        seen = request.POST.get("hash", "")
        services.commit(found, request.user, seen, via="page", address=address_of(request))
        messages.success(request, _("It is imported."))
    except services.NothingWaits:
        messages.error(request, _(services.NOTHING_WAITS))


def _stop(request: HttpRequest, found: Dataset) -> HttpResponse:
    """Stop the import that runs, or let go what it found. What never was data of anybody goes with that."""
    unwanted = found.found_at and not found.importing_since and not found.versions.exists()
    if not services.cancel_import(found, request.user, via="page", address=address_of(request)):
        messages.error(request, _("No import of this dataset runs, and none waits for a decision."))
    elif unwanted:
        services.remove(found, actor=request.user, via="page")
        messages.success(request, _("Nothing was imported."))
        return redirect("datasets")
    else:
        messages.success(request, _("The import was stopped."))
    return redirect("dataset", found.slug)


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
