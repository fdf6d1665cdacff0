"""The first page: is all well, and what needs me? And the welcome of a fresh server."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.permissions import require, visible
from accounts.requests import signed_in
from devices import shown
from jobs import attention, page_rows, queries, services, welcome
from jobs.models import Job
from jobs.states import DRIVEN, ENDED, JobState

RUNNING_SHOWN, NEXT_SHOWN, FINISHED_SHOWN = 20, 5, 10
COMPACT_OVER = 12
GROUPED_OVER = 60
PARTS = {
    "attention": "jobs/home/attention.html",
    "board": "jobs/home/board.html",
    "devices": "jobs/home/devices.html",
}
WELCOME_PARTS = {"demo": "jobs/home/welcome_demo.html", "steps": "jobs/home/welcome_steps.html"}


@login_required
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    require(request.user, "see")
    part = request.GET.get("part", "")
    devices = shown.rows(request.user)
    context = _devices(devices)
    if part != "devices":
        context |= _board(request.user, devices)
    return render(request, PARTS.get(part, "home.html"), context)


@login_required
@require_GET
def welcome_page(request: HttpRequest) -> HttpResponse:
    require(request.user, "see")
    context = welcome.context(signed_in(request))
    return render(request, WELCOME_PARTS.get(request.GET.get("part", ""), "welcome.html"), context)


@login_required
@require_POST
def demo(request: HttpRequest) -> HttpResponse:
    """Run the demo again or bring it back, and watch it; or take it away."""
    require(request.user, "run")
    if request.POST.get("do") == "remove":
        services.remove_demo(signed_in(request))
        messages.success(
            request, _("The demo is gone, and what you made yourself stays. This page can bring the demo back.")
        )
        return redirect("welcome")
    try:
        _classic, watched, _fine_tuned = services.run_demo_again(signed_in(request))
    except services.Refused as refused:
        messages.warning(request, str(refused))
        return redirect("welcome")
    messages.success(request, _("The demo begins anew, as soon as its devices are free."))
    return redirect("job", watched.pk)


def _devices(devices: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "devices": devices,
        "counts": shown.counts(devices),
        "compact": len(devices) > COMPACT_OVER,
        "grouped": len(devices) > GROUPED_OVER,
        "free": sum(row["shown_state"] == "online" for row in devices),
    }


def _board(actor: Any, devices: list[dict[str, Any]]) -> dict[str, Any]:
    jobs = visible(actor, queries.with_parts(Job.objects.filter(removed_at=None)))
    running = jobs.filter(state__in=DRIVEN).order_by("pk")
    waiting = jobs.filter(state=JobState.PENDING).order_by(*queries.QUEUE_ORDER)
    finished = jobs.filter(state__in=ENDED, archived=False).order_by("-ended_at", "-pk")
    needs = attention.items(actor, devices)
    return {
        "attention": needs[: attention.SHOWN],
        "attention_more": max(len(needs) - attention.SHOWN, 0),
        "running": page_rows.of(running[:RUNNING_SHOWN]),
        "running_total": running.count(),
        "waiting": page_rows.of(waiting[:NEXT_SHOWN]),
        "waiting_total": waiting.count(),
        "finished": page_rows.of(finished[:FINISHED_SHOWN]),
        "demo_is": welcome.how_the_demo_is(actor),
    }
