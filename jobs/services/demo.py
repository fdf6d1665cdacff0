"""The demo: seeded once, run again when it is over, removed at any time, and brought back."""

from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts import project as projects
from accounts.models import User
from accounts.permissions import visible
from catalog import services as catalog
from catalog.models import Dataset, DatasetState
from catalog.tasks import import_dataset
from jobs import clock, demo, live
from jobs.models import Job
from jobs.services.asking import Refused, cancel
from jobs.services.submitting import submit
from jobs.states import ENDED


def seed_demo(owner: User) -> list[Job]:
    """Datasets and jobs of the demo, unless it was seeded before (also when it was removed since)."""
    if not settings.FLEETUNE_DEMO or Job.objects.filter(demo=True).exists():
        return []
    return _submit_all(owner, _datasets(owner), via="system")


def run_demo_again(actor: User, *, via: str = "page") -> list[Job]:
    """The three jobs once more, as `actor`, also when they were removed. Raises Refused while they still run."""
    if Job.objects.filter(demo=True, removed_at=None).exclude(state__in=ENDED).exists():
        raise Refused(_("The demo still runs. Watch it, or stop its jobs first."))
    return _submit_all(actor, _datasets(actor), via=via)


def remove_demo(actor: User, *, via: str = "page") -> None:
    """Stop and hide the demo's jobs, and its datasets unless jobs of others use them."""
    for job in Job.objects.filter(demo=True, removed_at=None).exclude(state__in=ENDED).order_by("-id"):
        cancel(job, actor, force=True, via=via)
    with transaction.atomic():
        ids = list(Job.objects.filter(demo=True, removed_at=None).values_list("pk", flat=True))
        Job.objects.filter(pk__in=ids).update(removed_at=clock.now(), removed_by=actor)
        for job in Job.objects.filter(pk__in=ids):
            audit.record(actor, "removed", job, via=via)
            transaction.on_commit(partial(live.publish_state, job.pk), robust=True)
    for dataset in Dataset.objects.filter(demo=True, removed_at=None):
        try:
            catalog.remove(dataset, actor, via=via)
        except catalog.InUse:
            continue  # somebody's job trains on it: it stays, and is no longer the demo's
        finally:
            Dataset.objects.filter(pk=dataset.pk).update(demo=False)


@transaction.atomic
def _submit_all(owner: User, slugs: dict[str, str], via: str) -> list[Job]:
    more: dict[str, Any] = {"via": via, "demo": True, "project": projects.current(owner)}
    dense = submit(owner, demo.dense(slugs["mnist-5k"]), **more)
    conv = submit(owner, demo.conv(slugs["mnist-5k"]), **more)
    return [dense, conv, submit(owner, demo.digits(conv.pk, slugs["digits-8x8"]), **more)]


def _datasets(owner: User) -> dict[str, str]:
    """{built-in name: slug}. Those that are not there are read in at once: jobs can only name data that is ready."""
    slugs: dict[str, str] = {}
    for builtin in demo.DATASETS:
        living = visible(owner, Dataset.objects.filter(source__builtin=builtin, removed_at=None))
        dataset = living.exclude(state=DatasetState.FAILED).order_by("pk").first()
        if dataset is None:
            dataset = catalog.add_builtin(owner, projects.current(owner), builtin, demo=True)
        if dataset.state == DatasetState.IMPORTING:
            import_dataset(dataset.pk)
        slugs[builtin] = dataset.slug
    return slugs
