"""Jobs that start from a registered model: which one a request means, who uses it, and what devices fetch of it."""

from pathlib import Path
from typing import Any

from accounts.models import User
from accounts.permissions import visible
from catalog import places
from catalog.base_models import tokenizers
from catalog.base_models.pages import StartingPoint
from catalog.base_models.queries import models_of
from catalog.models import BaseModel, BaseModelState
from contract.problems import Problem, gettext_noop
from contract.spec import JobSpec
from jobs.models import Job
from jobs.states import ENDED, JobState

MOST_STARTING_POINTS = 24


def resolve(owner: User, spec: JobSpec, problems: list[Problem]) -> BaseModel | None:
    """The model that `spec` names; None, with a problem more, when there is none that this owner may use."""
    source = spec.model["source"]
    if source == "registered":
        return _named(owner, spec, problems)
    if source == "transformers" and "path" in spec.model:
        return _from_directory(owner, spec, problems)
    return None


def wire(model: BaseModel | None) -> dict[str, Any]:
    """What an assignment says of the model; {} when the job starts from something else."""
    return {"hash": model.content_hash, "files": model.files} if model else {}


def paths(model: BaseModel | None) -> dict[str, Path]:
    """Where each file of the model lies, by its SHA-256."""
    return {file["sha256"]: places.model(model.content_hash) / file["name"] for file in model.files} if model else {}


def users_of_model(model: BaseModel) -> list[dict[str, Any]]:
    """Jobs that have not ended and start from this model, or whose texts its tokenizer reads."""
    open_jobs = Job.objects.filter(project=model.project, removed_at=None).exclude(state__in=ENDED).order_by("id")
    return [{"text": str(job), "url": f"/jobs/{job.pk}/"} for job in open_jobs if _uses(job, model)]


def starting_points(actor: User) -> list[StartingPoint]:
    """Results of jobs, for the list of models."""
    jobs = visible(actor, Job.objects.filter(removed_at=None, archived=False, state=JobState.SUCCEEDED))
    return [
        StartingPoint(job.name, f"#{job.pk} · {job.task}", f"/jobs/{job.pk}/", f"/jobs/new/?source={job.pk}")
        for job in jobs.order_by("-pk")[:MOST_STARTING_POINTS]
    ]


def _uses(job: Job, model: BaseModel) -> bool:
    return job.base_model_id == model.pk or model.slug in tokenizers.named(job.spec["recipe"])


def _named(owner: User, spec: JobSpec, problems: list[Problem]) -> BaseModel | None:
    slug = spec.model["slug"]
    model = models_of(owner).filter(slug=slug).first()
    params: dict[str, Any] = {"name": slug[:120]}
    if model is None:
        sentence = gettext_noop("No model '%(name)s' that you may use. Choose one under Models.")
    elif model.state == BaseModelState.IMPORTING:
        sentence = gettext_noop("Model '%(name)s' is still being imported. Try again when it is ready.")
    elif model.state == BaseModelState.FAILED:
        sentence = gettext_noop("Model '%(name)s' could not be imported. Open it to see why, or choose another.")
    elif model.tasks and spec.task not in model.tasks:
        sentence = gettext_noop("Model '%(name)s' is made for %(tasks)s, not for %(task)s. Choose another model.")
        params |= {"tasks": ", ".join(model.tasks), "task": spec.task}
    else:
        return model
    problems.append(Problem("model.slug", sentence, params))
    return None


def _from_directory(owner: User, spec: JobSpec, problems: list[Problem]) -> BaseModel | None:
    path = spec.model["path"].rstrip("/")
    model = models_of(owner).filter(source__path=path, state=BaseModelState.READY).first()
    if model is None:
        sentence = gettext_noop("The directory %(path)s is not registered. Add it under Models, then start the job.")
        problems.append(Problem("model.path", sentence, {"path": path[:400]}))
    return model
