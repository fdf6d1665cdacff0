"""Pages of devices: the list, adding one, one device with its environment."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.dateparse import parse_datetime
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods

from accounts import filter_text
from accounts.permissions import require
from contract.problems import Invalid
from devices import enrolment, environment, joining, queries, services, shown, utilisation
from devices.forms import AddDeviceForm, DrainForm, RenameForm
from devices.models import Device, DeviceState, Host


@login_required
@require_http_methods(["GET", "POST"])
def device_list(request: HttpRequest) -> HttpResponse:
    require(request.user, "see")
    if request.method == "POST":
        return _act_on_several(request)
    text = request.GET.get("q", "").strip()
    everything = shown.rows(request.user)
    found = [row | {"seen": _moment(row["last_seen_at"])} for row in shown.filtered(everything, text)]
    context = {
        "groups": shown.by_host(found),
        "query": text,
        "total": len(everything),
        "chips": _chips(everything, text),
        "unknown": _unknown(text),
        "all_offline": bool(everything) and all(row["state"] == DeviceState.OFFLINE for row in everything),
        "part_query": f"{urlencode({'q': text})}&" if text else "",
    }
    template = "devices/device_rows.html" if request.GET.get("part") == "rows" else "devices/device_list.html"
    return render(request, template, context)


@login_required
@require_http_methods(["GET", "POST"])
def device_add(request: HttpRequest) -> HttpResponse:
    """A row for the device and its join command. The command is in this one answer and nowhere else."""
    require(request.user, "register")
    form = AddDeviceForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        asked = form.cleaned_data
        try:
            device = services.add(asked["name"], asked["host"], request.user, labels=asked["labels"])
        except Invalid as invalid:
            for problem in invalid.problems:
                form.add_error(problem.path if problem.path in form.fields else None, _(problem.sentence))
        else:
            return _show_join_command(request, device)
    hosts = list(Host.objects.values_list("name", flat=True)[:200])
    context = {"form": form, "hosts": hosts, "out_of_reach": joining.why_out_of_reach(request)}
    return render(request, "devices/device_add.html", context)


@login_required
@require_http_methods(["POST"])
def new_join_command(request: HttpRequest, slug: str) -> HttpResponse:
    require(request.user, "register")
    return _show_join_command(request, _device(request, slug))


@login_required
@require_GET
def join_steps(request: HttpRequest, slug: str) -> HttpResponse:
    """How far the joining is: asked again by the page while it is open."""
    require(request.user, "register")
    device = _device(request, slug)
    return render(request, "devices/join_steps.html", {"device": device, "steps": joining.steps(device)})


@login_required
@require_http_methods(["GET", "POST"])
def device_detail(request: HttpRequest, slug: str) -> HttpResponse:
    require(request.user, "see")
    device = _device(request, slug)
    if request.method == "POST":
        return _act_on_one(request, device)
    span = request.GET["span"] if request.GET.get("span") in utilisation.SPANS else "15m"
    load = {"device": device, "span": span, "charts": utilisation.charts(device, span)}
    if request.GET.get("part") == "load":
        return render(request, "devices/device_load_now.html", load)
    facts = environment.shown(device.host.environment, device.kind == "cuda")
    row = shown.shown(queries.device_row(device))
    context = {
        "row": row | {"seen": device.last_seen_at},
        "facts": facts,
        "facts_text": "\n".join(f"{label}: {'' if value is None else value}" for _key, label, value in facts),
        "facts_json": joining.facts_json(device),
        "siblings": device.host.devices.filter(removed_at=None).exclude(pk=device.pk),
        "changes": device.host.environment_changes.all()[:5],
        "rename": RenameForm(initial={"name": device.name}),
        "drain": DrainForm(),
        "spans": utilisation.spans(span),
        **load,
    }
    template = "devices/device_now.html" if request.GET.get("part") == "now" else "devices/device_detail.html"
    return render(request, template, context)


@login_required
@require_GET
def device_environment(request: HttpRequest, slug: str) -> JsonResponse:
    """The environment as it was reported, for scripts and for copying."""
    require(request.user, "see")
    device = _device(request, slug)
    return JsonResponse({"host": device.host.name, "device": device.slug, "environment": device.host.environment})


def _show_join_command(request: HttpRequest, device: Device) -> HttpResponse:
    token = enrolment.make_token(request.user, device=device)
    context = {
        "device": device,
        "commands": joining.commands(request, token),
        "out_of_reach": joining.why_out_of_reach(request),
        "minutes": int(enrolment.TOKEN_LIFE.total_seconds() // 60),
        "steps": joining.steps(device),
    }
    return render(request, "devices/device_join.html", context)


def _act_on_one(request: HttpRequest, device: Device) -> HttpResponse:
    verb = request.POST.get("do", "")
    if verb == "remove":
        return _remove(request, device)
    if verb == "drain":
        require(request.user, "drain")
        services.drain(device, request.user, reason=request.POST.get("reason", "")[:200])
        messages.success(request, _("%(name)s takes no new jobs now.") % {"name": device.name})
    elif verb == "resume":
        require(request.user, "drain")
        services.resume(device, request.user)
        messages.success(request, _("%(name)s takes jobs again.") % {"name": device.name})
    elif verb == "rename":
        _rename(request, device)
    return redirect("device", device.slug)


def _rename(request: HttpRequest, device: Device) -> None:
    require(request.user, "drain")
    try:
        services.change(device, request.user, name=request.POST.get("name", ""))
    except Invalid as invalid:
        messages.error(request, _(invalid.problems[0].sentence) % invalid.problems[0].params)
    else:
        messages.success(request, _("It is called %(name)s now.") % {"name": device.name})


def _remove(request: HttpRequest, device: Device) -> HttpResponse:
    require(request.user, "register")
    try:
        services.remove(device, request.user)
    except services.Busy:
        sentence = _("A job runs on %(name)s, so it stays. Drain it, wait for the job to end, then remove it.")
        messages.error(request, sentence % {"name": device.name})
        return redirect("device", device.slug)
    messages.success(request, _("%(name)s was removed. Its history stays.") % {"name": device.name})
    return redirect("devices")


def _act_on_several(request: HttpRequest) -> HttpResponse:
    require(request.user, "drain")
    slugs = request.POST.getlist("device")
    devices = list(queries.devices_of(request.user).filter(slug__in=slugs))
    if not devices:
        messages.warning(request, _("No device was selected."))
    elif request.POST.get("do") == "drain":
        messages.success(request, _drain(devices, request))
    else:
        resumed = sum(services.resume(device, request.user) for device in devices)
        messages.success(
            request,
            ngettext("%(n)s device takes jobs again.", "%(n)s devices take jobs again.", resumed) % {"n": resumed},
        )
    return redirect("devices")


def _drain(devices: list[Device], request: HttpRequest) -> str:
    """Drain each, and say how many drain now, did before, or are offline anyway."""
    offline = sum(device.state == DeviceState.OFFLINE for device in devices)
    reason = request.POST.get("reason", "")[:200]
    for device in devices:
        services.drain(device, request.user, reason=reason)
    online = len(devices) - offline
    parts = [ngettext("%(n)s device will drain", "%(n)s devices will drain", online) % {"n": online}]
    if offline:
        parts.append(ngettext("%(n)s is offline", "%(n)s are offline", offline) % {"n": offline})
    return _("%(parts)s.") % {"parts": ", ".join(parts)}


def _device(request: HttpRequest, slug: str) -> Device:
    return get_object_or_404(queries.devices_of(request.user), slug=slug)


def _chips(everything: list[dict[str, Any]], text: str) -> list[dict[str, Any]]:
    chosen = filter_text.parse(text, shown.FILTERS).many("state")
    return [
        {
            "label": item["word"],
            "count": item["count"],
            "state": item["state"],
            "on": item["state"] in chosen,
            "href": "?" + urlencode({"q": filter_text.toggled(text, "state", item["state"])}),
        }
        for item in shown.counts(everything)
    ]


def _unknown(text: str) -> list[str]:
    names = filter_text.parse(text, shown.FILTERS).unknown
    sentence = _("Devices cannot be filtered by '%(name)s'. Use state:, kind:, host: or label:.")
    return [sentence % {"name": name} for name in names]


def _moment(text: str | None):
    return parse_datetime(text) if text else None
