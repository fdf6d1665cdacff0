"""What a new job starts with: defaults so good that choosing the data is enough."""

from math import ceil
from typing import Any

from django.db.models import QuerySet

from accounts.models import User
from accounts.permissions import visible
from catalog import queries as catalog_queries
from catalog.models import Dataset, DatasetState, DatasetVersion
from contract.spec import TASKS_BUILT, JobSpec
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
    if dataset:
        start["training"] |= _for_few(catalog_queries.latest(dataset), start)
    return start


def _for_few(version: DatasetVersion | None, start: dict[str, Any]) -> dict[str, int]:
    """Batch and epochs for data so small that the usual ones would make a handful of steps; {} for any other."""
    samples = version.splits.get("train", {}).get("count", 0) if version else 0
    if not samples:
        return {}
    devices, training = start["devices"]["count"], start["training"]
    batch, epochs = training["per_device_train_batch_size"], training["num_train_epochs"]
    while batch > LEAST_BATCH and samples < STEPS_AN_EPOCH * batch * devices:
        batch //= 2
    steps = ceil(samples / (batch * devices))
    return {"per_device_train_batch_size": batch, "num_train_epochs": max(epochs, ceil(STEPS_IN_ALL / steps))}


def _used_last(actor: User, data: QuerySet[Dataset]) -> Dataset | None:
    """So that what somebody else imports meanwhile changes nobody's form."""
    own = data.filter(versions__jobs__owner=actor, versions__jobs__demo=False)
    return own.order_by("-versions__jobs__id").first()
