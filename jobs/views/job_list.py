"""The list of jobs: filtered, sorted and paged by the server, with actions on several at once."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods

from accounts import filter_text
from accounts.permissions import require
from jobs import bulk, job_filters, page_rows, queries

PAGE_SIZE = 50


@login_required
@require_http_methods(["GET", "POST"])
def job_list(request: HttpRequest) -> HttpResponse:
    require(request.user, "see")
    if request.method == "POST":
        return _act_on_several(request)
    chosen = job_filters.chosen(request.user, _text(request), request.GET.get("sort", ""))
    page = Paginator(queries.with_parts(chosen.jobs), PAGE_SIZE).get_page(request.GET.get("page"))
    kept = _kept(chosen.text, chosen.sort)
    context = {
        "page": page,
        "rows": page_rows.of(page.object_list),
        "query": chosen.text,
        "sort": chosen.sort,
        "sorts": _sorts(chosen),
        "chips": _chips(request, chosen.text),
        "unknown": chosen.unknown,
        "rest": [("sort", chosen.sort)] if chosen.sort != "-id" else [],
        "page_query": urlencode(kept),
        "part_query": urlencode(kept | ({"page": page.number} if page.number > 1 else {})),
        "archived": "archived" in filter_text.parse(chosen.text, job_filters.NAMES).many("is"),
    }
    template = "jobs/job_list/rows.html" if request.GET.get("part") == "rows" else "jobs/job_list.html"
    return render(request, template, context)


def _text(request: HttpRequest) -> str:
    """`search` is what the bar on top of every page sends."""
    return (request.GET.get("q") or request.GET.get("search") or "").strip()[:400]


def _act_on_several(request: HttpRequest) -> HttpResponse:
    verb = request.POST.get("do", "")
    text = request.POST.get("q", "")[:400]
    jobs = job_filters.chosen(request.user, text, "").jobs
    if request.POST.get("all") != "1":
        numbers = [int(number) for number in request.POST.getlist("job") if number.isdecimal() and len(number) < 16]
        jobs = jobs.filter(pk__in=numbers)
    for level, sentence in bulk.act(verb, list(jobs[: bulk.MOST]), request.user):
        messages.add_message(request, level, sentence)
    return redirect(reverse("jobs") + (f"?{urlencode({'q': text})}" if text else ""))


def _kept(text: str, sort: str) -> dict[str, Any]:
    return ({"q": text} if text else {}) | ({"sort": sort} if sort != "-id" else {})


def _sorts(chosen: job_filters.Chosen) -> dict[str, dict[str, str]]:
    """For each sortable column where its header links to and what it says of the order."""
    found = {}
    for name in job_filters.SORTS:
        down = chosen.sort == f"-{name}"
        up = chosen.sort == name
        first = name if name in ("name", "state", "loss") else f"-{name}"
        other = name if first.startswith("-") else f"-{name}"
        target = other if chosen.sort == first else first
        order = "descending" if down else "ascending" if up else ""
        found[name] = {"href": f"?{urlencode(_kept(chosen.text, target))}", "order": order}
    return found


def _chips(request: HttpRequest, text: str) -> list[dict[str, Any]]:
    query = filter_text.parse(text, job_filters.NAMES)
    counts = job_filters.chip_counts(request.user)
    chips = []
    for name, value, label in job_filters.CHIPS:
        href = filter_text.toggled(text, name, value)
        chips.append(
            {
                "label": label,
                "count": counts[value],
                "on": value in query.many(name),
                "href": f"?{urlencode({'q': href})}" if href else "?",
            }
        )
    return chips
