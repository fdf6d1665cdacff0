"""What the frame of every page shows."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy as _

NAVIGATION = (
    ("home", _("Fleet")),
    ("jobs", _("Jobs")),
    ("datasets", _("Datasets")),
    ("models", _("Models")),
    ("results", _("Results")),
    ("devices", _("Devices")),
)
SECTIONS = {"job": "jobs", "job_new": "jobs", "dataset": "datasets", "dataset_version": "datasets"}
SECTIONS |= {"model": "models", "model_add": "models"}
SECTIONS |= {"dataset_add": "datasets", "device": "devices", "device_add": "devices", "device_join": "devices"}
SECTIONS |= {"result_version": "results", "sweeps": "jobs", "sweep": "jobs", "sweep_new": "jobs"}
SECTIONS |= {"fleet_tests": "devices", "fleet_test": "devices"}


def every_page(request):
    """The links on top with the one of this page marked, and how many jobs have not ended (one query, when shown)."""
    match = request.resolver_match
    here = match.url_name if match else ""
    section = SECTIONS.get(here, here)
    return {
        "navigation": [{"name": name, "label": label, "current": name == section} for name, label in NAVIGATION],
        "open_jobs": SimpleLazyObject(lambda: _open_jobs(request.user)),
    }


def favicon(_request: HttpRequest) -> HttpResponse:
    """Browsers and link previews ask for this name whatever a page says."""
    return redirect(static("img/logo.svg"))


def _open_jobs(user) -> int:
    from accounts.permissions import visible
    from jobs.models import Job
    from jobs.states import ENDED

    if not user.is_authenticated:
        return 0
    return visible(user, Job.objects.filter(removed_at=None).exclude(state__in=ENDED)).count()
