"""Asking devices to measure an artifact: one errand for each, kept with its answer."""

from typing import Any

from django.db import transaction

from accounts import audit
from accounts.models import User
from contract.problems import Invalid, Problem, gettext_noop, unknown
from contract.spec import SPLITS
from devices.models import Device
from jobs import clock, errands, history
from jobs.models import Artifact
from results import suites
from results.models import Measurement, ResultVersion

KIND = "evaluate"
START = "start"
"""in the place of a file: the model as the job began with it"""
RUNNABLE = ("safetensors", "onnx", "onnx-int8", "onnx-int8-static", "pt2", "litert")
"""formats that a device can run"""


@transaction.atomic
def measure(
    version: ResultVersion,
    artifact: Any,
    split: Any,
    devices: Any,
    wanted: Any,
    actor: User,
    *,
    via: str,
    address: str | None = None,
) -> list[Measurement]:
    """Run the artifact called `artifact` (or START) over `split` on the devices with these slugs, to measure what the
    suites `wanted` do. Raises Invalid."""
    file = None if artifact == START else _file(version, artifact)
    problems = [] if split in SPLITS else [unknown("split", str(split), SPLITS)]
    if split in SPLITS and not _count(version, split):
        sentence = gettext_noop("The data has no samples in its split '%(split)s'.")
        problems.append(Problem("split", sentence, {"split": split}))
    found, names = _devices(devices, problems), suites.asked(version, wanted, problems)
    if problems:
        raise Invalid(problems)
    payload = _payload(version, file, split, names)
    sha256 = file.sha256 if file else ""
    measurements = [_send(version, sha256, payload, device, actor) for device in found]
    after = {name: payload[name] for name in ("artifact", "split", "suites")}
    after |= {"devices": [device.slug for device in found]}
    audit.record(actor, "measured", version, via=via, after=after, address=address)
    return measurements


def _file(version: ResultVersion, name: Any) -> Artifact:
    runnable = {row.name: row for row in history.shown_artifacts(version.job) if row.format in RUNNABLE}
    if not isinstance(name, str) or name not in runnable:
        raise Invalid([unknown("artifact", str(name), runnable)])
    if not history.is_here(runnable[name]):
        sentence = gettext_noop("'%(name)s' does not lie on the server. Wait until it is uploaded.")
        raise Invalid([Problem("artifact", sentence, {"name": name})])
    return runnable[name]


def _count(version: ResultVersion, split: str) -> int:
    return version.job.version.splits.get(split, {}).get("count", 0)


def _devices(slugs: Any, problems: list[Problem]) -> list[Device]:
    if not isinstance(slugs, list) or not slugs:
        problems.append(Problem("devices", gettext_noop("Name at least one device.")))
        return []
    known = {device.slug: device for device in Device.objects.filter(removed_at=None)}
    for number, slug in enumerate(slugs):
        if slug not in known:
            problems.append(unknown(f"devices.{number}", str(slug), known))
    return [known[slug] for slug in dict.fromkeys(slug for slug in slugs if slug in known)]


def _payload(version: ResultVersion, file: Artifact | None, split: str, names: list[str]) -> dict[str, Any]:
    """`file` None: the model that the job began with, from the same source."""
    job = version.job
    source = {"source": job.pk} if file else {"source": job.source_id, "base_model": job.base_model_id}
    return {
        "spec": job.spec,
        "prepared": job.prepared_id,
        **source,
        "artifact": file.name if file else START,
        "split": split,
        "suites": names,
    }


def _send(version: ResultVersion, sha256: str, payload: dict[str, Any], device: Device, actor: User) -> Measurement:
    [errand] = errands.create(KIND, actor, [device], payload, clock.now())
    named = {name: payload[name] for name in ("artifact", "split")}
    return Measurement.objects.create(version=version, device=device, errand=errand, sha256=sha256, **named)
