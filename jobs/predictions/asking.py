"""Asking a model: on a device that is free, else on the server's own processor, else in turn on one that is busy."""

import importlib.util
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import Token, User
from catalog.locks import alone
from catalog.one_item import NotPrepared, prepare_one
from contract.problems import Invalid, Problem, gettext_noop, unknown
from devices.models import Device
from jobs import clock, errands, scheduling
from jobs.fleet import Fleet
from jobs.models import Errand, Job
from jobs.predictions import answers, given
from jobs.predictions.answers import KIND, Told
from jobs.predictions.subject import Subject, newest
from recipes.sandbox import outside
from recipes.sandbox.outside import Limits

FIELDS = ("image", "text", "row", "sample", "device")
MANIFEST = ("task", "kind", "classes", "input", "target", "target_scale", "on_device", "text", "features", "hash")
"""what a device has to know of the prepared data to run a model on one row of it"""
WAIT_S = 10.0
LOOK_S = 0.1
LARGEST_HERE_BYTES = 512 * 2**20
"""of a model that the server itself runs when every device is busy"""
SERVER_LIMITS = Limits(memory_bytes=4 * 2**30, cpu_seconds=60, file_bytes=0)
SERVER_S = 60
NO_DEVICE = gettext_noop("No device is online. Start one, or wait until it is back.")
NOT_ONLINE = gettext_noop("'%(name)s' is not online. Choose another device, or none.")


def ask(
    job: Job,
    body: dict[str, Any],
    actor: User,
    token: Token | None = None,
    *,
    within: float = WAIT_S,
    between: Callable[[], Any] = lambda: None,
) -> Told:
    """What the newest weights of `job` answer to one input; after `within` seconds, that it is being waited for.

    body: image, text, row or sample, and device (a slug). Raises Invalid, Nothing, and PermissionDenied.
    """
    subject, fleet = newest(job), Fleet.load(clock.now())
    device = _device(body.get("device"), fleet)
    began = time.monotonic()
    try:
        row = prepare_one(
            job.version, job.prepared, job.spec["recipe"], given.read(job.version, body, actor, token=token)
        )
    except NotPrepared as why:
        path = "sample" if body.get("sample") not in (None, "") else given.FIELDS[job.version.schema["kind"]]
        raise Invalid([Problem(path, "%(why)s", {"why": str(why)})]) from why
    picture, seconds = row.pop("picture", ""), time.monotonic() - began
    payload = _payload(subject, row) | {"recipe_seconds": round(seconds, 4), "picture": picture}
    free = fleet.free(fleet.online)
    if device is None and not free and (told := _here(subject, payload)):
        return told
    chosen = device or next(iter(free or fleet.online), None)
    if chosen is None:
        raise Invalid([Problem("device", NO_DEVICE)])
    [errand] = errands.create(KIND, actor, [chosen], payload, clock.now())
    _wait(errand, within, between)
    return answers.of_errand(errand)


def _device(slug: Any, fleet: Fleet) -> Device | None:
    """The device that was named. Raises Invalid."""
    if slug in (None, ""):
        return None
    if slug not in fleet.devices:
        raise Invalid([unknown("device", str(slug), fleet.devices)])
    if not fleet.is_online(fleet.devices[slug]):
        raise Invalid([Problem("device", NOT_ONLINE, {"name": slug})])
    return fleet.devices[slug]


def _payload(subject: Subject, row: dict[str, Any]) -> dict[str, Any]:
    job = subject.job
    manifest = {name: job.prepared.manifest[name] for name in MANIFEST if name in job.prepared.manifest}
    return {
        "spec": job.spec,
        "prepared": job.prepared_id,
        "source": job.pk,
        "step": subject.step,
        "files": subject.files,
        "model_hash": subject.hash,
        "manifest": manifest,
        "input": row,
    }


def _wait(errand: Errand, within: float, between: Callable[[], Any]) -> None:
    """Until it has ended or `within` seconds are over, whichever comes first."""
    deadline = time.monotonic() + within
    while errand.ended_at is None and time.monotonic() < deadline:
        if errand.fence == 0:
            now = clock.now()
            scheduling.claim_errands(Fleet.load(now), now)
        between()
        time.sleep(LOOK_S)
        errand.refresh_from_db()


def _here(subject: Subject, payload: dict[str, Any]) -> Told | None:
    """Run it in the sandbox, one at a time; None when this server cannot."""
    if subject.bytes > LARGEST_HERE_BYTES or importlib.util.find_spec("torch") is None:
        return None
    with alone("predict-on-server") as ours, tempfile.TemporaryDirectory(prefix="fleetune-model-") as directory:
        if not ours:
            return None
        for name, path in subject.paths().items():
            (Path(directory) / name).symlink_to(path)
        began = time.monotonic()
        request = {"directory": directory} | {name: payload[name] for name in ("spec", "manifest", "input")}
        answer = outside.run("training.predict:on_server", request, limits=SERVER_LIMITS, seconds=SERVER_S)
    if answer.result is None:
        return answers.failed_here(payload, _("The server could not run this model. Ask again when a device is free."))
    return answers.of_server(payload, answer.result, subject.job, time.monotonic() - began)
