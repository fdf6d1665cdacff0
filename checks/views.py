"""Pages of tests of the fleet: the button with the history, and one test as a table of devices and checks."""

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
from accounts.permissions import may, require
from checks import page, queries, services, speed, table
from checks.models import FleetTest, Kind
from checks.seen import seen
from config import release
from contract.problems import Invalid
from devices import queries as devices

PAGE_SIZE = 50


@login_required
@require_http_methods(["GET", "POST"])
def test_list(request: HttpRequest) -> HttpResponse:
    """What was tested under which release; POST tests once more."""
    require(request.user, "see")
    if request.method == "POST":
        return _start(request)
    shown = Paginator(queries.tests_of(request.user), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "page": shown,
        "rows": [queries.test_row(test) for test in shown.object_list],
        "devices": devices.devices_of(request.user).order_by("host__name", "kind", "index"),
        "release": release.running(),
        "may_run": may(request.user, "run"),
    }
    return render(request, "checks/test_list.html", context)


@login_required
@require_GET
def test_page(request: HttpRequest, number: int) -> HttpResponse:
    test = _test(request, number)
    shown = seen(test)
    facts = queries.test_row(test, shown)
    context = {
        "test": test,
        "facts": facts,
        "is_open": facts["state"] == queries.OPEN,
        "may_change": may(request.user, "change", test),
        "devices": shown,
        "columns": table.COLUMNS,
        "rows": [(row, [(name, row.cells[name]) for name in table.COLUMNS]) for row in table.rows(shown)],
        "links": page.link_rows(queries.links(shown)),
    }
    if test.kind == Kind.SPEED:
        context["speed"] = speed.compared(shown)
        context["rates"] = page.rate_rows(context["speed"])
    part = request.GET.get("part") == "now"
    return render(request, "checks/now.html" if part else "checks/test.html", context)


@login_required
@require_POST
def test_cancel(request: HttpRequest, number: int) -> HttpResponse:
    test = _test(request, number)
    require(request.user, "change", test)
    services.cancel(test, cast(User, request.user), via="page", address=address_of(request))
    return redirect("fleet_test", number)


def _start(request: HttpRequest) -> HttpResponse:
    require(request.user, "run")
    typed = request.POST
    body: dict[str, Any] = {"kind": typed.get("kind", Kind.FIT), "devices": typed.getlist("device")}
    if typed.get("job", "").isdecimal():
        body["job"] = int(typed["job"])
    try:
        test = services.start(cast(User, request.user), body, via="page", address=address_of(request))
    except Invalid as invalid:
        messages.error(request, "\n".join(_(problem.sentence) % problem.params for problem in invalid.problems))
        return redirect("fleet_tests")
    return redirect("fleet_test", test.pk)


def _test(request: HttpRequest, number: int) -> FleetTest:
    found = queries.tests_of(request.user).filter(pk=number).first()
    if found is None:
        raise Http404
    return found
