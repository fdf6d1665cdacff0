"""Pictures of samples for `<img>` and programs: PNG that we drew ourselves, never the file as it was uploaded."""

import json
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.by_token import also_by_token
from accounts.permissions import require
from catalog import drawings, queries
from catalog.models import Dataset, DatasetVersion
from catalog.recipes import check


@also_by_token
@require_safe
def image(request: HttpRequest, slug: str, version: int, number: int) -> HttpResponse:
    """An item as it came, at most 128 pixels wide and high."""
    found = _version(request, slug, version)
    page = number // queries.SAMPLES_A_PAGE * queries.SAMPLES_A_PAGE
    try:
        items = queries.items_at(found, range(page, page + queries.SAMPLES_A_PAGE))
        return _picture(drawings.draw(found, items), number)
    except FileNotFoundError as error:  # somebody has just decided against it
        raise Http404 from error


@also_by_token
@require_safe
def preview_image(request: HttpRequest, slug: str, version: int, number: int) -> HttpResponse:
    """An item after the recipe in `?recipe=` (a JSON list of steps)."""
    found = _version(request, slug, version)
    try:
        steps = json.loads(request.GET.get("recipe", "[]")[:20_000])
    except (ValueError, RecursionError):
        return HttpResponseBadRequest(_("The recipe is not JSON."))
    problems = check(steps, found.schema)
    if problems:
        return HttpResponseBadRequest("; ".join(_(item.sentence) % item.params for item in problems))
    numbers = {*queries.preview_numbers(found), number}
    return _picture(drawings.draw(found, queries.items_at(found, numbers), steps), number)


def _version(request: Any, slug: str, number: int) -> DatasetVersion:
    try:
        dataset = queries.dataset_for(request.user, slug)
    except Dataset.DoesNotExist as error:
        raise Http404 from error
    require(request.user, "see_raw", dataset, token=request.auth)
    if number == 0 and (found := queries.found_version(dataset)):
        return found
    return get_object_or_404(dataset.versions, number=number)


def _picture(drawn: dict[int, drawings.Drawing], number: int) -> HttpResponse:
    if number not in drawn:
        raise Http404
    drawing = drawn[number]
    if drawing.reason:
        return HttpResponse(_(drawing.reason) % (drawing.params or {}), status=422, content_type="text/plain")
    return HttpResponse(drawing.path.read_bytes(), content_type="image/png")
