"""What a new job starts with: defaults so good that choosing the data is enough."""

from typing import Any

from accounts.models import User
from accounts.permissions import visible
from catalog.models import Dataset, DatasetState
from contract.spec import TASKS_BUILT, JobSpec
from devices import queries as devices

MOST_DEVICES = 2
"""at the start; the form offers all"""


def body(actor: User, asked: Any) -> dict[str, Any]:
    """The newest data that is ready (own before demo), a small network, the devices that are online."""
    data = visible(actor, Dataset.objects.filter(removed_at=None, state=DatasetState.READY, task__in=TASKS_BUILT))
    wanted = data.filter(slug=asked.get("dataset", "")).first()
    dataset = wanted or data.order_by("demo", "-id").first()
    model: dict[str, Any] = {"source": "conv"}
    if str(asked.get("source", "")).isdecimal():
        model = {"source": "job", "id": int(asked["source"])}
    spec = JobSpec(
        task=dataset.task if dataset else TASKS_BUILT[0], dataset=dataset.slug if dataset else "", model=model
    )
    start = spec.to_json()
    start["devices"]["count"] = max(1, min(devices.online().count(), MOST_DEVICES))
    return start
