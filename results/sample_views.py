"""The samples behind a cell of the confusion matrix, the worst errors, and the pictures of both."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_safe

from accounts.permissions import require, visible
from contract.tasks import TASKS
from results import measured, page, row_images, samples
from results.answers import ORDERS, Wanted
from results.models import Measurement


@login_required
@require_GET
def measured_samples(request: HttpRequest, measurement: int) -> HttpResponse:
    found = _measurement(request, measurement)
    classes = found.prepared.manifest.get("classes") or []
    wanted = wanted_of(request.GET)
    chosen = {name: value for name in ("true", "said") if (value := getattr(wanted, name)) is not None}
    told = measured.measurement_json(found)
    context = {
        "job": found.job,
        "version": found.version,
        "measurement": told,
        "what": page.what(told),
        "samples": samples.page_of(found, wanted),
        "kind": TASKS[found.job.task].kind,
        "classes": list(enumerate(classes)),
        "columns": [column["name"] for column in found.prepared.version.schema.get("columns", [])],
        "wanted": wanted,
        "query": urlencode(chosen | {"order": wanted.order}),
    }
    return render(request, "results/samples.html", context)


@login_required
@require_safe
def measured_row_image(request: HttpRequest, measurement: int, row: int) -> HttpResponse:
    """A row of the split as the model was shown it."""
    drawn = row_images.png(_measurement(request, measurement), row)
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


def _measurement(request: HttpRequest, pk: int) -> Measurement:
    found = visible(request.user, measured.kept(), "job__project").filter(pk=pk, job__removed_at=None).first()
    if found is None:
        raise Http404
    require(request.user, "see_raw", found.dataset)
    return found
