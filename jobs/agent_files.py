"""Files between devices and the server: artifacts and checkpoints come in, models and checkpoints go out, by hash."""

from pathlib import Path
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils.translation import gettext as _

from config import ranged_file
from devices import leases
from devices.agent_auth import agent_call, refuse
from devices.models import Device
from jobs import assignments, attempts, base_models, checkpoints, clock, file_store, weights
from jobs.agent_access import NotYours, StaleFence
from jobs.agent_views import refusals_answered, speaker_of_query
from jobs.models import Artifact, Attempt, Checkpoint, Errand, Job, Rank

OFFSET, LENGTH = "Upload-Offset", "Upload-Length"
PIECE_BYTES = 2 * 1024 * 1024
LARGEST_BYTES = 1 << 40


@agent_call(None, methods=("HEAD", "PUT"))
@refusals_answered
def artifact(request: HttpRequest, device: Device, _message: None, sha256: str) -> HttpResponseBase:
    return _upload(request, device, "artifacts", sha256)


@agent_call(None, methods=("GET", "HEAD", "PUT"))
@refusals_answered
def checkpoint(request: HttpRequest, device: Device, _message: None, sha256: str) -> HttpResponseBase:
    if request.method == "GET":
        return _checkpoint_file(request, device, sha256)
    return _upload(request, device, "checkpoints", sha256)


@agent_call(None, methods=("GET",))
@refusals_answered
def model(request: HttpRequest, device: Device, _message: None, sha256: str) -> HttpResponseBase:
    """A file of the model from which the device's present job or errand starts."""
    path = _model_paths(device).get(sha256)
    if path is None or not path.is_file():
        raise NotYours
    return ranged_file.answer(request, path, sha256)


def _upload(request: HttpRequest, device: Device, kind: str, sha256: str) -> HttpResponseBase:
    who = speaker_of_query(request, device)
    if isinstance(who, Errand):
        raise NotYours
    if request.method == "HEAD":
        stored = file_store.stored_bytes(kind, sha256, who.attempt_id)
        return HttpResponse(status=404) if stored is None else HttpResponse(headers={OFFSET: str(stored)})
    _refuse_ended(who)
    return _take(request, who, kind, sha256)


def _take(request: HttpRequest, who: Rank, kind: str, sha256: str) -> HttpResponseBase:
    offset, total = _number(request, OFFSET), _number(request, LENGTH)
    if offset is None or total is None or not 0 <= total <= LARGEST_BYTES:
        return refuse(400, "no-offset", _("Say with Upload-Offset and Upload-Length which bytes these are."))
    try:
        whole = file_store.append(kind, sha256, who.attempt_id, offset, total, request.read(PIECE_BYTES))
    except file_store.WrongOffset as error:
        answer = refuse(409, "wrong-offset", _("Go on from where the stored bytes end."))
        answer.headers[OFFSET] = str(error.offset)
        return answer
    except file_store.WrongHash:
        return refuse(422, "wrong-hash", _("The bytes do not have the hash of their name. Send them again."))
    except file_store.NoSpace:
        return refuse(413, "no-space", _("The server's disk is full."))
    if whole:
        _note_whole(who, kind, sha256)
        return JsonResponse({"offset": total}, status=201)
    return JsonResponse({"offset": file_store.stored_bytes(kind, sha256, who.attempt_id)})


def _note_whole(who: Rank, kind: str, sha256: str) -> None:
    if kind == "checkpoints":
        checkpoints.note_stored(who.attempt.job_id)
        return
    now = clock.now()
    Artifact.objects.filter(attempt=who.attempt_id, sha256=sha256, verified_at=None).update(verified_at=now)
    attempts.settle(who.attempt_id, now)


def _refuse_ended(who: Rank) -> None:
    if Attempt.objects.exclude(ended_at=None).filter(pk=who.attempt_id).exists():
        raise StaleFence


def _checkpoint_file(request: HttpRequest, device: Device, sha256: str) -> HttpResponseBase:
    """A file of a checkpoint of the job that this device works on now."""
    job = _job_of(device)
    rows = Checkpoint.objects.filter(job=job) if job else Checkpoint.objects.none()
    named = {file["sha256"] for row in rows for file in row.manifest["files"]} | {row.manifest_hash for row in rows}
    if sha256 not in named or not file_store.has("checkpoints", sha256):
        raise NotYours
    return ranged_file.answer(request, file_store.path_of("checkpoints", sha256), sha256)


def _job_of(device: Device) -> Job | None:
    lease = leases.holder(device)
    if lease is None or lease.attempt_id is None:
        return None
    return Job.objects.select_related("source", "base_model").filter(attempts=lease.attempt_id).first()


def _model_paths(device: Device) -> dict[str, Path]:
    """Where each file lies that the device's present job or errand starts from, by its hash."""
    lease = leases.holder(device)
    if lease is not None and lease.errand_id is not None:
        errand = Errand.objects.get(pk=lease.errand_id)
        files, base_model = assignments.files_of_errand(errand), assignments.base_model_of_errand(errand)
    else:
        job = _job_of(device)
        files, base_model = (weights.began_with(job), job.base_model) if job else ([], None)
    return weights.paths(files) | base_models.paths(base_model)


def _number(request: HttpRequest, header: str) -> Any:
    text = request.headers.get(header, "")
    return int(text) if text.isdigit() else None
