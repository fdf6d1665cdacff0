"""What the server worker does for base models. Like imports of data: in a child process, and safe to start twice."""

from celery import shared_task

from catalog import places
from catalog.base_models import roots, services
from catalog.children import reason, remove_directories, remove_unfinished
from catalog.following import follow, server_is_stopping
from catalog.locks import alone
from catalog.models import BaseModel, BaseModelState
from contract.problems import Invalid
from recipes.sandbox.outside import Limits

SWEEP_AGAIN_S = 30


@shared_task(name="catalog.base_models.tasks.import_model", bind=True)
def import_model(self, model_id: int) -> None:
    """Called directly instead of by the worker, it returns when the import has ended, whoever does it."""
    with alone(f"import-model-{int(model_id)}", wait=self.request.called_directly) as mine:
        if mine and services.progress(model_id, 0):
            _import(services.importing(model_id).select_related("project").get())


@shared_task(name="catalog.base_models.tasks.sweep_removed")
def sweep_removed(model_id: int) -> None:
    """Delete the files of a removed model that no other model shares."""
    model = BaseModel.objects.exclude(removed_at=None).filter(pk=model_id).first()
    if model is None:
        return
    living = BaseModel.objects.filter(removed_at=None)
    if living.filter(state=BaseModelState.IMPORTING).exists():  # the same content may be coming in anew
        sweep_removed.apply_async((model_id,), countdown=SWEEP_AGAIN_S, queue="server")
        return
    places.model_upload(model.pk).unlink(missing_ok=True)
    if model.content_hash and not living.filter(content_hash=model.content_hash).exists():
        remove_directories(places.model(model.content_hash))


def _import(model: BaseModel) -> None:
    try:
        request = {"source": _source(model), "parent": str(places.models())}
    except Invalid as invalid:  # its root is not allowed any more
        services.fail(model.pk, invalid.problems[0].sentence, invalid.problems[0].params)
        return
    target = "catalog.base_models.work:register"
    answer = follow(target, request, lambda part: services.progress(model.pk, part), Limits())
    remove_unfinished(places.models())
    if answer.stopped and server_is_stopping():
        services.let_go(model.pk)
        return
    if answer.result:
        services.finish(model, answer.result)
    elif not answer.stopped:
        services.fail(model.pk, *reason(answer))
    places.model_upload(model.pk).unlink(missing_ok=True)


def _source(model: BaseModel) -> dict[str, str]:
    if "path" in model.source:
        root, below = roots.split(model.source["path"])
        return {"root": str(root), "directory": below}
    return {"path": str(places.model_upload(model.pk)), "name": model.source["file"]}
