"""Pages of sweeps: the list, starting one, and one with its trials."""

import json
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.audit import address_of
from accounts.models import User
from accounts.permissions import may, require, visible
from contract.problems import Invalid
from jobs import demo
from jobs.models import Job
from sweeps import page, queries, services
from sweeps.models import OPEN, Sweep, SweepState
from sweeps.plan import ALGORITHMS

PAGE_SIZE = 50
EXAMPLE = {
    "training.learning_rate": {"low": 0.0001, "high": 0.03, "log": True},
    "training.per_device_train_batch_size": {"choices": [16, 32, 64]},
}


@login_required
@require_GET
def sweep_list(request: HttpRequest) -> HttpResponse:
    require(request.user, "see")
    shown = Paginator(queries.sweeps_of(request.user), PAGE_SIZE).get_page(request.GET.get("page"))
    rows = [queries.sweep_row(sweep) for sweep in shown.object_list]
    return render(request, "sweeps/sweep_list.html", {"page": shown, "rows": rows})


@login_required
@require_http_methods(["GET", "POST"])
def sweep_new(request: HttpRequest) -> HttpResponse:
    """From a job that is there: its spec is the base. Everything can be changed as text."""
    require(request.user, "run")
    typed = request.POST if request.method == "POST" else None
    problems: list[str] = []
    if typed is not None:
        try:
            told: dict[str, Any] = {"via": "page", "address": address_of(request)}
            return redirect("sweep", services.start(cast(User, request.user), _body(typed), **told).pk)
        except Invalid as invalid:
            problems = [f"{p.path}: {_(p.sentence) % p.params}" for p in invalid.problems]
        except ValueError as error:
            problems = [_("This is no JSON: %(error)s") % {"error": error}]
    context = {"form": typed or _start_of(request), "problems": problems, "algorithms": ALGORITHMS}
    return render(request, "sweeps/sweep_new.html", context, status=400 if problems else 200)


@login_required
@require_GET
def sweep_page(request: HttpRequest, number: int) -> HttpResponse:
    sweep = _sweep(request, number)
    context = page.of(sweep) | {"may_change": may(request.user, "change", sweep), "is_open": sweep.state in OPEN}
    context["may_extend"] = sweep.state in (*OPEN, SweepState.FINISHED) and sweep.plan["algorithm"] != "grid"
    part = request.GET.get("part") == "now"
    return render(request, "sweeps/now.html" if part else "sweeps/sweep.html", context)


@login_required
@require_POST
def sweep_do(request: HttpRequest, number: int, verb: str) -> HttpResponse:
    sweep = _sweep(request, number)
    if verb not in ("pause", "resume", "stop", "extend"):
        raise Http404
    require(request.user, "change", sweep)
    more = request.POST.get("trials", "")
    asked = [int(more) if more.isdecimal() and len(more) < 7 else None] if verb == "extend" else []
    try:
        getattr(services, verb)(sweep, *asked, request.user, via="page", address=address_of(request))
    except services.Refused as refusal:
        messages.error(request, str(refusal))
    except Invalid as invalid:
        messages.error(request, "\n".join(_(problem.sentence) % problem.params for problem in invalid.problems))
    return redirect("sweep", number)


def _sweep(request: HttpRequest, number: int) -> Sweep:
    found = queries.sweeps_of(request.user).filter(pk=number).first()
    if found is None:
        raise Http404
    return found


def _body(typed: Any) -> dict[str, Any]:
    """The form as REST would send it. Raises ValueError where a text is no JSON."""
    body = {name: json.loads(typed.get(name, "")) for name in ("base", "space")}
    body |= {name: typed[name] for name in ("name", "algorithm", "metric") if typed.get(name)}
    numbers = {name: int(typed[name]) for name in ("trials", "parallel") if typed.get(name, "").isdecimal()}
    return body | numbers | {"confirm": "confirm" in typed}


def _start_of(request: HttpRequest) -> dict[str, Any]:
    """The spec of the job that was named, or of the reader's newest."""
    jobs = visible(request.user, Job.objects.filter(removed_at=None)).order_by("-id")
    wanted = request.GET.get("job", "")
    job = (jobs.filter(pk=int(wanted)) if wanted.isdecimal() and len(wanted) < 18 else jobs).first()
    base = demo.as_own(job) if job else {"task": "image-classification", "dataset": "", "model": {"source": "conv"}}
    return {
        "name": f"{job.name} sweep"[:100] if job else "",
        "base": json.dumps(base, indent=1, ensure_ascii=False),
        "space": json.dumps(EXAMPLE, indent=1),
        "algorithm": "tpe",
        "metric": "eval/loss",
        "trials": "20",
        "parallel": "1",
    }
