"""What a new job starts with: defaults so good that choosing the data is enough."""

from math import ceil
from typing import Any

from django.db.models import QuerySet

from accounts.models import User
from accounts.permissions import visible
from catalog import queries as catalog_queries
from catalog.models import Dataset, DatasetState
from contract.spec import TASKS_BUILT, JobSpec
from contract.spec_training import Training
from contract.tasks import TASKS
from devices import queries as devices
from jobs.spec_form import json_or_text

MOST_DEVICES = 2
"""at the start; the form offers all"""
STEPS_AN_EPOCH, STEPS_IN_ALL = 10, 50
"""at least, as far as smaller batches and more epochs can bring it"""
LEAST_BATCH = 4


def body(actor: User, asked: Any) -> dict[str, Any]:
    """The data asked for, else what `actor` used last, a small network, the devices that are online. A recipe that was
    tried on samples comes along."""
    data = visible(actor, Dataset.objects.filter(removed_at=None, state=DatasetState.READY, task__in=TASKS_BUILT))
    task = asked.get("task") if asked.get("task") in TASKS_BUILT else ""
    if task:
        data = data.filter(task=task)
    wanted = data.filter(slug=asked.get("dataset", "")).first()
    dataset = wanted or _used_last(actor, data) or data.order_by("-demo", "id").first()
    task = dataset.task if dataset else task or next(iter(TASKS))
    model: dict[str, Any] = {"source": TASKS[task].models[0]}
    if asked.get("model"):
        model = {"source": "registered", "slug": str(asked["model"])[:120]}
    elif str(asked.get("source", "")).isdecimal():
        model = {"source": "job", "id": int(asked["source"])}
    start = JobSpec(task=task, dataset=dataset.slug if dataset else "", model=model).to_json()
    if wanted and asked.get("recipe"):
        start["recipe"] = json_or_text(asked["recipe"], [])
    start["devices"]["count"] = max(1, min(devices.online().count(), MOST_DEVICES))
    start["training"] |= _for_few(dataset, start)
    return start


def follow(actor: User, before: Any, body: dict[str, Any]) -> None:
    """Other data was chosen in a form that described `before`: batch and epochs become those for it in `body`, unless
    somebody set them."""
    if not isinstance(before, dict):
        return
    was, now = (_named(actor, spec.get("dataset")) for spec in (before, body))
    training = body.get("training")
    if isinstance(training, dict) and training.items() >= _for_few(was, before).items():
        training |= _for_few(now, body)


def _named(actor: User, slug: Any) -> Dataset | None:
    return visible(actor, Dataset.objects.filter(removed_at=None, slug=str(slug))).first()


def _for_few(dataset: Dataset | None, spec: dict[str, Any]) -> dict[str, int | float]:
    """Batch and epochs: the usual ones, or for data so small that those would make a handful of steps, others."""
    version = catalog_queries.latest(dataset) if dataset else None
    samples = version.splits.get("train", {}).get("count", 0) if version else 0
    usual = Training()
    batch, epochs = usual.per_device_train_batch_size, usual.num_train_epochs
    count = _devices(spec.get("devices"))
    while batch > LEAST_BATCH and 0 < samples < STEPS_AN_EPOCH * batch * count:
        batch //= 2
    steps = ceil(samples / (batch * count))
    epochs = max(epochs, ceil(STEPS_IN_ALL / steps)) if steps else epochs
    return {"per_device_train_batch_size": batch, "num_train_epochs": epochs}


def _devices(asked: Any) -> int:
    """How many are asked for, as far as it can be read; 1 at least."""
    named, count = (asked.get("ids"), asked.get("count")) if isinstance(asked, dict) else (None, None)
    return len(named) if isinstance(named, list) and named else count if isinstance(count, int) and count > 0 else 1


def _used_last(actor: User, data: QuerySet[Dataset]) -> Dataset | None:
    """So that what somebody else imports meanwhile changes nobody's form."""
    own = data.filter(versions__jobs__owner=actor, versions__jobs__demo=False)
    return own.order_by("-versions__jobs__id").first()
