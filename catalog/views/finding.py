"""The dataset that an address names, and what all pages of datasets answer with."""

from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from catalog import queries
from catalog.models import Dataset
from contract.problems import Invalid


def dataset_at(request: HttpRequest, slug: str) -> Dataset:
    try:
        return queries.dataset_for(request.user, slug)
    except Dataset.DoesNotExist as error:
        raise Http404 from error


def tell(request: HttpRequest, act: Callable[[], object]) -> None:
    """Do it, and say at the top of the next page that it is done or what is wrong."""
    try:
        act()
    except Invalid as invalid:
        messages.error(request, _(invalid.problems[0].sentence) % invalid.problems[0].params)
    else:
        messages.success(request, _("Saved."))


def wants_json(request: HttpRequest) -> bool:
    return "application/json" in request.headers.get("Accept", "")


def go_to(request: HttpRequest, url: str) -> HttpResponse:
    """Scripts show how far they are and go there themselves."""
    return JsonResponse({"url": url}, status=201) if wants_json(request) else redirect(url)
