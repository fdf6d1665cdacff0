"""The demo: seeded once, run again when it is over, removed at any time."""

from functools import partial

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts import project as projects
from accounts.models import User
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
    _import_datasets(owner)
    return _submit_all(owner, via="system")


def run_demo_again(actor: User, *, via: str = "page") -> list[Job]:
    """The three jobs once more, as `actor`. Raises Refused while they still run."""
    if Job.objects.filter(demo=True, removed_at=None).exclude(state__in=ENDED).exists():
        raise Refused(_("The demo still runs. Watch it, or stop its jobs first."))
    _import_datasets(actor)
    return _submit_all(actor, via=via)


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
def _submit_all(owner: User, via: str) -> list[Job]:
    project = projects.current(owner)
    dense = submit(owner, demo.dense(), via=via, demo=True, project=project)
    conv = submit(owner, demo.conv(), via=via, demo=True, project=project)
    return [dense, conv, submit(owner, demo.digits(conv.pk), via=via, demo=True, project=project)]


def _import_datasets(owner: User) -> None:
    """Add those that are not there and read them in at once: jobs can only name data that is ready."""
    for builtin, slug in demo.DATASETS.items():
        dataset = Dataset.objects.filter(slug=slug, removed_at=None).first()
        if dataset is None:
            dataset = catalog.add_builtin(owner, projects.current(owner), builtin, demo=True)
        if dataset.state == DatasetState.IMPORTING:
            import_dataset(dataset.pk)
