"""Every write to base models: registered, followed while they come in, removed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.models import Project
from catalog import enqueue, names, places
from catalog.base_models import roots
from catalog.imports.bundle import COMPRESSED_STARTS, ZIP_STARTS
from catalog.models import BaseModel, BaseModelState
from catalog.services.datasets import InUse
from catalog.uploaded import keep
from contract.problems import Invalid, Problem, gettext_noop

TWIN = gettext_noop("The same files are registered here already, as '%(slug)s'. Use that one.")
TAR_MARK, TAR_MARK_AT = b"ustar", 257
ENDINGS = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz")

users_of_model: list[Callable[[BaseModel], list[dict[str, Any]]]] = []
"""Apps upstairs add a function: what uses this model, each as {"text": "#12 digits", "url": "/jobs/12/"}."""


def add_upload(
    owner: Any, project: Project, name: str, uploaded: UploadedFile, *, via: str = "page", address: str | None = None
) -> BaseModel:
    """Keep a zip or tar of a model's directory and begin to check it. Raises Invalid at once when it is no archive."""
    file_name = Path(uploaded.name or "").name
    shown = names.checked(name or _without_ending(file_name) or "model")
    _refuse_other_than_archive(uploaded)
    source = {"file": file_name[:240], "bytes": uploaded.size}
    with transaction.atomic():
        model = _create(owner, project, shown, source, via, address)
        keep(uploaded, places.model_upload(model.pk))
    return model


def add_path(
    owner: Any, project: Project, name: str, path: object, *, via: str = "page", address: str | None = None
) -> BaseModel:
    """Begin to copy and check a directory of the server. Raises Invalid unless it lies in an allowed root."""
    root, below = roots.split(path)
    shown = names.checked(name or Path(below).name or root.name or "model")
    with transaction.atomic():
        return _create(owner, project, shown, {"path": str(root / below)}, via, address)


@transaction.atomic
def remove(model: BaseModel, actor: Any, *, via: str, address: str | None = None) -> bool:
    """Hide the model, stop its import, and let its files go. Raises InUse. False when it was removed before."""
    users = [user for ask in users_of_model for user in ask(model)]
    if users:
        raise InUse(users)
    rows = BaseModel.objects.filter(pk=model.pk, removed_at=None)
    if not rows.update(removed_at=timezone.now(), removed_by=actor):
        return False
    model.refresh_from_db()
    audit.record(actor, "removed", model, via=via, address=address)
    enqueue.sweep_model_after_commit(model.pk)
    return True


def importing(model_id: int):
    """The row of an import that is still wanted."""
    return BaseModel.objects.filter(pk=model_id, state=BaseModelState.IMPORTING, removed_at=None)


def progress(model_id: int, part: float) -> bool:
    """Note how far it is and that somebody works on it. False: it is not wanted any more."""
    return bool(importing(model_id).update(progress=part, worker_seen_at=timezone.now()))


def let_go(model_id: int) -> None:
    """The worker stops before the end: somebody else may take it up at once."""
    importing(model_id).update(worker_seen_at=None)


@transaction.atomic
def finish(model: BaseModel, result: dict[str, Any]) -> bool:
    """The files lie under their hash. `result` is what `work.register` answers. False when nobody wants it any more."""
    same = BaseModel.objects.filter(project=model.project, content_hash=result["hash"], removed_at=None)
    twin = same.filter(state=BaseModelState.READY).first()
    if twin:
        return fail(model.pk, TWIN, {"slug": twin.slug})
    return bool(
        importing(model.pk).update(
            state=BaseModelState.READY,
            progress=1,
            worker_seen_at=None,
            content_hash=result["hash"],
            family=result["family"],
            architecture=result["architecture"],
            tasks=result["tasks"],
            parameters=result["tensors"]["parameters"],
            bytes=result["bytes"],
            licence=result["licence"],
            files=sorted(result["files"], key=lambda file: file["name"]),
            facts={name: result[name] for name in ("config", "tensors", "left_out")},
        )
    )


def fail(model_id: int, sentence: str, params: dict[str, Any]) -> bool:
    """It cannot be registered; `sentence` with `params` says why and what to do."""
    values = {"error": sentence, "error_params": params, "worker_seen_at": None}
    return bool(importing(model_id).update(state=BaseModelState.FAILED, **values))


def _create(owner: Any, project: Project, name: str, source: dict[str, Any], via: str, address: str | None):
    def create(slug: str) -> BaseModel:
        return BaseModel.objects.create(slug=slug, name=name, owner=owner, project=project, source=source)

    model = names.with_slug(name, create, BaseModel.objects, "model")
    audit.record(owner, "registered", model, via=via, after={"source": source}, address=address)
    enqueue.import_model_after_commit(model.pk)
    return model


def _without_ending(file_name: str) -> str:
    ending = max((end for end in ENDINGS if file_name.lower().endswith(end)), key=len, default="")
    return file_name[: len(file_name) - len(ending)]


def _refuse_other_than_archive(uploaded: UploadedFile) -> None:
    start = uploaded.read(TAR_MARK_AT + len(TAR_MARK))
    uploaded.seek(0)
    packed = start.startswith((*ZIP_STARTS, *COMPRESSED_STARTS.values())) or start[TAR_MARK_AT:] == TAR_MARK
    if not packed:
        sentence = gettext_noop(
            "This is neither a zip nor a tar. Pack the model's folder: config.json, safetensors files, tokenizer."
        )
        raise Invalid([Problem("file", sentence)])
