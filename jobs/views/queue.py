"""The queue: what waits for what, and what runs now."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.permissions import may, require, visible
from accounts.requests import signed_in
from jobs import queries, queue_page, services
from jobs.models import Job

MOVES = ("up", "down", "top")


@login_required
@require_http_methods(["GET", "POST"])
def queue(request: HttpRequest) -> HttpResponse:
    require(request.user, "see")
    if request.method == "POST":
        return _act(request)
    template = "jobs/queue/now.html" if request.GET.get("part") == "now" else "jobs/queue.html"
    return render(request, template, queue_page.context(request.user))


def _act(request: HttpRequest) -> HttpResponse:
    verb, _colon, where = request.POST.get("do", "").partition(":")
    if verb == "move" and where in MOVES:
        _move(request, where)
    elif verb == "pause":
        require(request.user, "prioritise")
        services.pause_queue(signed_in(request))
        messages.success(request, _("The queue is paused. Running jobs go on."))
    elif verb == "resume":
        require(request.user, "prioritise")
        services.resume_queue(signed_in(request))
        messages.success(request, _("Waiting jobs start again when their devices are free."))
    return redirect("queue")


def _move(request: HttpRequest, where: str) -> None:
    number = request.POST.get("job", "")
    known = visible(request.user, queries.with_parts(Job.objects.filter(removed_at=None)))
    job: Any = get_object_or_404(known, pk=int(number) if number.isdecimal() and len(number) < 16 else 0)
    if not may(request.user, "change", job):
        require(request.user, "prioritise", job)
    try:
        services.move(job, signed_in(request), where)
    except services.Refused as refused:
        messages.warning(request, str(refused))
    else:
        messages.success(request, _("#%(number)s moved.") % {"number": job.pk})
