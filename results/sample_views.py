"""The samples behind a cell of the confusion matrix, the worst errors, and the pictures of both."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_safe

from accounts.permissions import require
from contract.tasks import TASKS
from results import measured, queries, row_images, samples
from results.answers import ORDERS, Wanted
from results.models import Measurement


@login_required
@require_GET
def result_samples(request: HttpRequest, slug: str, number: int, measurement: int) -> HttpResponse:
    found = _measurement(request, slug, number, measurement)
    classes = found.version.job.prepared.manifest.get("classes") or []
    wanted = wanted_of(request.GET)
    chosen = {name: value for name in ("true", "said") if (value := getattr(wanted, name)) is not None}
    context = {
        "version": found.version,
        "measurement": measured.measurement_json(found),
        "samples": samples.page_of(found, wanted),
        "kind": TASKS[found.version.result.task].kind,
        "classes": list(enumerate(classes)),
        "columns": [column["name"] for column in found.version.job.version.schema.get("columns", [])],
        "wanted": wanted,
        "query": urlencode(chosen | {"order": wanted.order}),
    }
    return render(request, "results/samples.html", context)


@login_required
@require_safe
def result_row_image(request: HttpRequest, slug: str, number: int, measurement: int, row: int) -> HttpResponse:
    """A row of the split as the model was shown it."""
    drawn = row_images.png(_measurement(request, slug, number, measurement), row)
    if drawn is None:
        raise Http404
    return HttpResponse(drawn, content_type="image/png")


def wanted_of(query: Any) -> Wanted:
    """What an address asks for; what makes no sense in it is left out."""
    numbers = {name: _number(query.get(name, "")) for name in ("true", "said", "page")}
    order = query.get("order", ORDERS[0])
    return Wanted(numbers["true"], numbers["said"], order if order in ORDERS else ORDERS[0], numbers["page"] or 1)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else None


def _measurement(request: HttpRequest, slug: str, number: int, pk: int) -> Measurement:
    version = queries.versions_of(request.user).filter(result__slug=slug, number=number).first()
    if version is None:
        raise Http404
    found = measured.kept().filter(version=version, pk=pk).first()
    if found is None:
        raise Http404
    require(request.user, "see_raw", version.job.version.dataset)
    found.version = version
    return found
