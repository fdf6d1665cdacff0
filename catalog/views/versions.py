"""Pages of datasets: the list, one that is being imported, and one version with its samples, checks and relatives."""

import json
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts import filter_text
from accounts.permissions import may, require
from catalog import queries, recipes
from catalog.models import DatasetVersion
from catalog.pages import checks, overview, relatives, review, rows
from catalog.services import sources
from catalog.views.finding import dataset_at
from contract.problems import Problem, gettext_noop

PAGE_SIZE = 50
RECIPE_CHARACTERS = 4_000
"""of one that is tried on samples: it travels in addresses"""
TABS = ("overview", "samples", "checks", "versions")


@login_required
@require_GET
def dataset_list(request: HttpRequest) -> HttpResponse:
    require(request.user, "see")
    text = request.GET.get("q", "").strip()[:400]
    page = Paginator(rows.filtered(request.user, text), PAGE_SIZE).get_page(request.GET.get("page"))
    found = rows.rows(page.object_list)
    unknown = filter_text.parse(text, rows.FILTERS).unknown
    context = {
        "page": page,
        "rows": found,
        "query": text,
        "busy": rows.is_busy(found),
        "page_query": urlencode({"q": text}) if text else "",
        "unknown": [_("Datasets cannot be filtered by '%(name)s'.") % {"name": name} for name in unknown],
    }
    template = "catalog/dataset_rows.html" if request.GET.get("part") == "rows" else "catalog/dataset_list.html"
    return render(request, template, context)


@login_required
@require_GET
def dataset(request: HttpRequest, slug: str) -> HttpResponse:
    """The newest version, or what waits for a decision, or how far the import is, or why it failed."""
    found = dataset_at(request, slug)
    version, waiting = queries.latest(found), queries.found_version(found)
    if waiting and not found.importing_since:
        return redirect("dataset", slug) if "part" in request.GET else _review(request, waiting)
    if version and not found.importing_since:
        return redirect("dataset_version", slug, version.number)
    context = {"dataset": found, "version": version, "parts": queries.dataset_json(found)}
    template = "catalog/import_now.html" if request.GET.get("part") == "now" else "catalog/dataset_import.html"
    return render(request, template, context)


def _review(request: HttpRequest, waiting: DatasetVersion) -> HttpResponse:
    told = review.review(waiting, raw=may(request.user, "see_raw", waiting.dataset))
    told["may_change"] = may(request.user, "change", waiting.dataset)
    return render(request, "catalog/dataset_review.html", told)


@login_required
@require_GET
def dataset_version(request: HttpRequest, slug: str, number: int, tab: str = "overview") -> HttpResponse:
    if tab not in TABS:
        raise Http404
    found = dataset_at(request, slug)
    version = get_object_or_404(found.versions, number=number)
    raw = may(request.user, "see_raw", found)
    context: dict[str, Any] = {
        "dataset": found,
        "version": version,
        "tab": tab,
        "tabs": _tabs(version, tab),
        "raw": raw,
    }
    context |= _context_of(request, version, tab, raw)
    context |= {
        "lead": overview.lead(version),
        "may_change": may(request.user, "change", found),
        "again": sources.to_read_again(found) is not None,
        "waits": found.found_at is not None,
        "import_error": _(found.error) % found.error_params if found.error else "",
    }
    template = "catalog/readiness.html" if request.GET.get("part") == "readiness" else "catalog/dataset_version.html"
    return render(request, template, context)


def _context_of(request: HttpRequest, version: DatasetVersion, tab: str, raw: bool) -> dict[str, Any]:
    if tab == "overview":
        return overview.overview(version, raw=raw)
    if not raw:
        return {"denied": True}
    if tab == "samples":
        return _samples(request, version)
    return checks.checks(version) if tab == "checks" else relatives.relatives(version, request.GET.get("from", ""))


def _samples(request: HttpRequest, version: DatasetVersion) -> dict[str, Any]:
    """A page of samples; on the first one also what the recipe makes of eight of them."""
    split, label = request.GET.get("split", ""), request.GET.get("class", "")
    number = request.GET.get("page", "1")
    found = queries.samples(version, split, int(number) if number.isdecimal() and len(number) < 9 else 1, label)
    tried = _tried(request.GET.get("recipe"), version)
    kept = {name: value for name, value in (("split", split), ("class", label)) if value}
    first = number == "1" and not split and not label
    return {
        "samples": found,
        "kind": version.schema["kind"],
        "columns": [column["name"] for column in version.schema.get("columns", [])],
        "preview": queries.preview(version, tried.steps) if first and not tried.problems else [],
        "first": first,
        "tried": tried,
        "is_tried": "recipe" in request.GET,
        "split": split,
        "label": label,
        "split_names": list(version.splits),
        "class_names": version.schema.get("classes", [])[:500],
        "sample_query": urlencode(kept),
    }


@dataclass
class Tried:
    """The recipe that is tried on samples."""

    steps: Any
    which: str
    """own, prepared (those of the data prepared last) or chosen (for this data)"""
    text: str = ""
    """of the form: "" for those chosen for this data"""
    problems: list[Problem] = field(default_factory=list)

    @property
    def problems_at(self) -> str:
        """As JSON, for the form over the recipe: sentences by what they are about."""
        found: dict[str, list[str]] = {}
        for problem in self.problems:
            found.setdefault(problem.path, []).append(_(problem.sentence) % problem.params)
        return json.dumps(found) if found else ""

    @property
    def errors(self) -> list[dict[str, str]]:
        """For people without the form: each sentence with the step it is about."""
        told = [(recipes.where(one.path, self.steps), _(one.sentence) % one.params) for one in self.problems]
        return [{"sentence": f"{where}: {sentence}" if where else sentence} for where, sentence in told]


def _tried(asked: str | None, version: DatasetVersion) -> Tried:
    """What was asked for: steps, or those chosen for this data when that is empty. Not asked: the steps of the data
    prepared last, where there is some."""
    task = queries.task_of(version)
    text = (asked or "")[:RECIPE_CHARACTERS].strip()
    chosen = recipes.default_steps(version, task)
    prepared = queries.newest_prepared(version) if asked is None else None
    if prepared and not recipes.same(prepared.recipe.steps, chosen):
        return Tried(prepared.recipe.steps, "prepared", json.dumps(prepared.recipe.steps, ensure_ascii=False))
    try:
        steps = json.loads(text or "[]")
    except (ValueError, RecursionError):
        return Tried([], "own", text, [Problem("recipe", gettext_noop("The recipe is not JSON."))])
    if steps == []:
        return Tried(chosen, "chosen")
    return Tried(steps, "own", text, recipes.check(steps, version.schema, task=task))


def _tabs(version: DatasetVersion, tab: str) -> list[dict[str, Any]]:
    base = reverse("dataset_version", args=[version.dataset.slug, version.number])
    labels = {"overview": _("Overview"), "samples": _("Samples"), "checks": _("Checks"), "versions": _("Versions")}
    counts = {"samples": version.items, "versions": version.dataset.versions.count()}
    return [
        {
            "url": base if name == "overview" else f"{base}{name}/",
            "label": labels[name],
            "current": name == tab,
            "count": counts.get(name, ""),
        }
        for name in TABS
    ]
