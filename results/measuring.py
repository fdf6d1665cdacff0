"""Asking devices to measure weights of a job: one errand for each, kept with its answer."""

from dataclasses import dataclass
from typing import Any

from django.db import transaction

from accounts import audit
from accounts.models import User
from contract.problems import Invalid, Problem, gettext_noop, unknown
from devices.models import Device
from jobs import clock, errands
from jobs.models import Job
from results import asked_data, asked_model, suites
from results.asked_model import Asked
from results.models import Measurement

KIND = "evaluate"
SUITE_OF_FOREIGN = "out_of_distribution"


@dataclass(frozen=True)
class Question:
    """What is to be measured, by the names that somebody gave, none of which is checked yet."""

    artifact: Any
    """a file of the job, or START; not looked at when there is a `checkpoint`"""
    devices: Any
    """their slugs"""
    suites: Any
    split: Any
    dataset: Any = ""
    """a slug; "" means the data that the job learned from"""
    checkpoint: Any = None
    """a step"""
    foreign: Any = ""
    """the slug of a dataset that the model is to be able to tell from its own"""


@transaction.atomic
def measure(job: Job, question: Question, actor: User, *, via: str, address: str | None = None) -> list[Measurement]:
    """Send the question to every device that it names. Raises Invalid with every problem."""
    asked, problems = asked_model.of(job, question.artifact, question.checkpoint), list[Problem]()
    prepared = asked_data.evaluated(job, question.dataset, question.split, actor, problems)
    devices, names = _devices(question.devices, problems), suites.asked(job.task, question.suites, problems)
    foreign = asked_data.foreign(job, question.foreign, actor, problems)
    if foreign and SUITE_OF_FOREIGN not in names:
        sentence = gettext_noop("Only '%(suite)s' looks at it: name that among the suites, too.")
        problems.append(Problem("foreign", sentence, {"suite": SUITE_OF_FOREIGN}))
    if problems or prepared is None:
        raise Invalid(problems)
    row = Measurement(job=job, artifact=asked.artifact, step=asked.step, sha256=asked.sha256, split=question.split)
    row.prepared, row.foreign = prepared, foreign
    payload = _payload(row, asked, names)
    measurements = [_send(row, payload, device, actor) for device in devices]
    audit.record(actor, "measured", job, via=via, after=_told(row, names, devices), address=address)
    return measurements


def _devices(slugs: Any, problems: list[Problem]) -> list[Device]:
    if not isinstance(slugs, list) or not slugs:
        problems.append(Problem("devices", gettext_noop("Name at least one device.")))
        return []
    known = {device.slug: device for device in Device.objects.filter(removed_at=None)}
    for number, slug in enumerate(slugs):
        if slug not in known:
            problems.append(unknown(f"devices.{number}", str(slug), known))
    return [known[slug] for slug in dict.fromkeys(slug for slug in slugs if slug in known)]


def _payload(row: Measurement, asked: Asked, names: list[str]) -> dict[str, Any]:
    payload = {"spec": row.job.spec, "prepared": row.prepared.pk, "split": row.split, "suites": names, **asked.payload}
    if not row.is_of_own_data:
        payload["dataset"] = row.dataset.slug
    if row.foreign:
        payload["foreign"] = {"dataset": row.foreign.version.dataset.slug, "prepared": row.foreign.pk}
    return payload


def _send(row: Measurement, payload: dict[str, Any], device: Device, actor: User) -> Measurement:
    now = clock.now()
    [errand] = errands.create(KIND, actor, [device], payload, now, patience=errands.PATIENCE_S)
    names = ("job", "artifact", "step", "sha256", "prepared", "split", "foreign")
    return Measurement.objects.create(device=device, errand=errand, **{name: getattr(row, name) for name in names})


def _told(row: Measurement, names: list[str], devices: list[Device]) -> dict[str, Any]:
    """For the audit log."""
    told: dict[str, Any] = {"artifact": row.artifact, "split": row.split, "suites": names}
    told |= {} if row.step is None else {"checkpoint": row.step}
    told |= {} if row.is_of_own_data else {"dataset": row.dataset.slug}
    return told | {"devices": [device.slug for device in devices]}
