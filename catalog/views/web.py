"""The page that adds data from the web, and the switch that an admin finds there while it is off."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts import project as projects
from accounts import services as accounts
from accounts.audit import address_of
from accounts.permissions import require
from catalog import services
from catalog.models import Dataset
from catalog.services import bucket_keys, web_sources
from catalog.web_forms import FORMS, FromWeb
from contract.problems import Invalid


@login_required
@require_http_methods(["GET", "POST"])
def add_from_web(request: HttpRequest) -> HttpResponse:
    """A crawl, a list of addresses, one file, or a bucket: each a form of its own, told apart by `kind`."""
    require(request.user, "run", projects.current(request.user))
    sent = request.POST.get("kind", "")
    forms = {kind: form(request.POST if kind == sent else None) for kind, form in FORMS.items()}
    form = forms.get(sent)
    if form is not None and form.is_valid() and (dataset := _added(request, form)):
        return redirect("dataset", dataset.slug)
    context = {"forms": forms, "sent": sent, "on": web_sources.is_on(), "off": _(web_sources.OFF)}
    context["bucket_missing"] = "" if bucket_keys.can_read_buckets() else _(bucket_keys.NOT_INSTALLED)
    return render(request, "catalog/dataset_add_web.html", context, status=400 if form is not None else 200)


@login_required
@require_POST
def switch_on(request: HttpRequest) -> HttpResponse:
    require(request.user, "manage")
    accounts.change_setting("url_import", True, request.user)
    sentence = _("Data may now be imported from URLs and S3 storage. Settings, Server switches it off again.")
    messages.success(request, sentence)
    return redirect("dataset_add_web")


def _added(request: HttpRequest, form: FromWeb) -> Dataset | None:
    """None when something is wrong, which the form then says."""
    how = {"name": form.cleaned_data["name"], "review": "unclear", "via": "page", "address": address_of(request)}
    try:
        return services.add(request.user, projects.current(request.user), web_sources.source(form.body()), **how)
    except Invalid as invalid:
        form.tell(invalid)
        return None
