"""Where jobs answer the apps downstairs, which know nothing of them."""

from typing import Any, TypeVar

from accounts import services as accounts
from accounts.models import User
from catalog import services as catalog
from catalog.base_models import pages as model_pages
from catalog.base_models import services as base_models
from catalog.models import Dataset
from catalog.queries.devices import data_of_device
from devices import hooks as devices
from devices.models import Device
from jobs import assignments, live, services
from jobs.base_models import starting_points, users_of_model
from jobs.models import Job
from jobs.states import ENDED

Listener = TypeVar("Listener")


def connect() -> None:
    """Register everything below; called once when the app is ready."""
    _register(devices.move_jobs_off, services.move_off)
    _register(devices.fleet_changed, live.publish_fleet)
    _register(catalog.users_of_dataset, users_of_dataset)
    _register(base_models.users_of_model, users_of_model)
    _register(model_pages.starting_points, starting_points)
    _register(data_of_device, data_needed_by)
    _register(accounts.landing_page, demo_page)


def users_of_dataset(dataset: Dataset) -> list[dict[str, Any]]:
    """Jobs that still need this dataset."""
    jobs = Job.objects.filter(version__dataset=dataset, removed_at=None).exclude(state__in=ENDED)
    return [{"text": str(job), "url": f"/jobs/{job.pk}/"} for job in jobs.order_by("id")]


def data_needed_by(device: Device) -> list[str]:
    """Prepared data that this device may fetch: what its present attempt or errand is given."""
    assigned = assignments.of_device(device).assignments
    return [data["hash"] for one in assigned for data in (one["data"], *one["more_data"]) if data]


def demo_page(_user: User) -> str | None:
    """After the first sign-in: the demo job that moves, or the one that will next."""
    alive = Job.objects.filter(demo=True, removed_at=None).exclude(state__in=ENDED)
    job = alive.filter(state="running").order_by("-id").first() or alive.order_by("id").first()
    return f"/jobs/{job.pk}/" if job else None


def _register(listeners: list[Listener], listener: Listener) -> None:
    if listener not in listeners:
        listeners.append(listener)
