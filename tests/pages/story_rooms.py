"""What happens on the site beside jobs: datasets come in, devices come and go, people get links."""

from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from accounts.models import Project, User
from accounts.services import make_signin_link
from catalog import services
from catalog.base_models.tasks import import_model
from catalog.models import BaseModel, Dataset
from catalog.tasks import import_dataset
from devices import hooks
from devices.models import Device
from jobs import demo
from jobs.models import Job
from results.registering import register
from tests.accounts.factories import make_admin, make_user
from tests.devices.factories import ENVIRONMENT, make_credential
from tests.jobs.factories import make_version


def imported(builtin: str = "digits-8x8", name: str = "") -> str:
    """A dataset that ships with the product, read in for real; its slug."""
    owner = User.objects.order_by("pk").first() or make_admin()
    dataset = services.add_builtin(owner, Project.default(), builtin, name=name or None)
    import_dataset(dataset.pk)
    return dataset.slug


def uploaded(name: str, file: str, text: str) -> str:
    """A dataset of one file, read in for real; its slug."""
    owner = User.objects.order_by("pk").first() or make_admin()
    dataset = services.add_upload(owner, Project.default(), name, SimpleUploadedFile(file, text.encode()))
    import_dataset(dataset.pk)
    return dataset.slug


def result_of(job: int) -> str:
    """The job's result is registered, as when it succeeds on devices; the address of its page."""
    version = register(Job.objects.get(pk=job))
    return f"/results/{version.result.slug}/v/{version.number}/"


def demo_data() -> None:
    """The data of the demo lies ready, as somebody's own."""
    owner = User.objects.order_by("pk").first() or make_admin()
    for builtin in demo.DATASETS:
        if not Dataset.objects.filter(slug=builtin).exists():
            make_version(owner, slug=builtin, source={"builtin": builtin})


def work_off_imports() -> list[str]:
    """What the server worker would do: read in every dataset that waits for it. Their states."""
    waiting = list(Dataset.objects.exclude(importing_since=None).values_list("pk", flat=True))
    for number in waiting:
        import_dataset(number)
    return list(Dataset.objects.filter(pk__in=waiting).values_list("state", flat=True))


def work_off_models() -> list[str]:
    """The same for models."""
    waiting = list(BaseModel.objects.filter(state="importing").values_list("pk", flat=True))
    for number in waiting:
        import_model(number)
    return list(BaseModel.objects.filter(pk__in=waiting).values_list("state", flat=True))


def signin_link(username: str) -> str:
    """The path of a fresh one-time link for a person who has no password yet."""
    user = User.objects.filter(username=username).first() or make_user(username)
    return make_signin_link(user)


def connect(slug: str) -> None:
    """The device's agent has come: credential, environment, first heartbeat."""
    device = Device.objects.select_related("host").get(slug=slug)
    make_credential(device)
    type(device.host).objects.filter(pk=device.host_id).update(environment=ENVIRONMENT, environment_at=timezone.now())
    Device.objects.filter(pk=device.pk).update(state="online", last_seen_at=timezone.now())
    hooks.tell_fleet_changed()


def offline(slug: str) -> None:
    """The device falls silent."""
    Device.objects.filter(slug=slug).update(state="offline")
    hooks.tell_fleet_changed()


def facts_of_job(job: int) -> dict[str, Any]:
    """What the database says of a job."""
    row = Job.objects.get(pk=job)
    return {"state": row.state, "archived": row.archived, "spec": row.spec, "name": row.name}


def newest_job() -> int:
    return Job.objects.order_by("-pk").values_list("pk", flat=True)[0]
