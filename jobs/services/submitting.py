"""A job comes in: what was asked for is checked against what is there, then it waits for its devices (T1)."""

from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.dateparse import parse_datetime

from accounts import audit
from accounts import project as projects
from accounts.models import Project, User
from accounts.permissions import require, visible
from catalog import recipes
from catalog import services as catalog
from catalog.base_models import tokenizers
from catalog.models import BaseModel, Dataset, DatasetState, DatasetVersion, PreparedState
from contract.problems import Invalid, Problem, gettext_noop
from contract.reasons import WaitReason
from contract.spec import JobSpec
from contract.spec_parallel import sharing_problems
from contract.spec_security import data_problems
from devices import environment
from devices.models import Device
from jobs import base_models, model_recipes, transitions, waking, weights
from jobs import demo as demos
from jobs.models import Job
from jobs.planning import forecasts
from jobs.states import Actor, JobState

COLOURS = 8


@dataclass(frozen=True)
class Checked:
    """A spec with everything it names, found and allowed."""

    spec: JobSpec
    project: Project
    version: DatasetVersion
    steps: list[dict[str, Any]]
    source: Job | None
    base_model: BaseModel | None
    devices: list[Device]


def submit(
    owner: User,
    body: dict[str, Any],
    *,
    via: str,
    demo: bool = False,
    project: Project | None = None,
    address: str | None = None,
) -> Job:
    """Accept a job. Raises Invalid with every problem, or PermissionDenied."""
    checked = check(owner, body, project)
    return _create(owner, checked, via=via, demo=demo, address=address)


def clone(job: Job, actor: User, *, via: str, batch: int = 0, address: str | None = None) -> Job:
    """The same request again as a job of `actor`; `batch` (per device) in place of its own, if one is given.

    Raises Invalid when what it names is gone.
    """
    body = demos.as_own(job)
    if batch:
        body |= {"training": body["training"] | {"per_device_train_batch_size": batch}}
    return submit(actor, body, via=via, project=job.project, address=address)


def check(owner: User, body: Any, project: Project | None = None) -> Checked:
    """Everything that can be known of a request without a device. Raises Invalid or PermissionDenied."""
    spec = _parsed(owner, body)
    problems: list[Problem] = []
    project = project or _project(owner, spec, problems)
    if project is not None:
        require(owner, "run", project)
    version = _version(owner, spec, problems)
    base_model = base_models.resolve(owner, spec, problems)
    source = _source(owner, spec, problems) if spec.source_job else None
    steps = _steps(spec, version, base_model, source, problems) if version else []
    if version:
        samples = version.splits.get("train", {}).get("count", 0)
        problems += data_problems(spec.security, samples, steps)
        problems += sharing_problems(spec.parallel.strategy, spec.devices.wanted, spec.training, samples)
    devices = _devices(spec, problems)
    if problems or project is None or version is None:
        raise Invalid(problems)
    return Checked(spec, project, version, steps, source, base_model, devices)


def _parsed(owner: User, body: Any) -> JobSpec:
    """The spec. One that is not well-formed is told of names it knows wrongly in the same answer."""
    try:
        return JobSpec.parse(body)
    except Invalid as invalid:
        told = {problem.path for problem in invalid.problems}
        name = body.get("dataset") if isinstance(body, dict) else None
        if isinstance(name, str) and "dataset" not in told and not _datasets(owner, name).exists():
            raise Invalid([*invalid.problems, _no_dataset(name)]) from invalid
        raise


@transaction.atomic
def _create(owner: User, checked: Checked, *, via: str, demo: bool, address: str | None) -> Job:
    spec = checked.spec
    prepared = catalog.prepare(checked.version, checked.steps)
    job = Job.objects.create(
        project=checked.project,
        owner=owner,
        name=spec.name or _name(checked),
        tags=spec.tags,
        spec=spec.to_json() | {"recipe": checked.steps},
        task=spec.task,
        version=checked.version,
        prepared=prepared,
        source=checked.source,
        base_model=checked.base_model,
        priority=spec.schedule.priority,
        not_before=_moment(spec.schedule.not_before),
        wait_reason="" if prepared.state == PreparedState.READY else WaitReason.PREPARING_DATA,
        reason_params={} if prepared.state == PreparedState.READY else {"percent": 0},
        demo=demo,
    )
    job.position, job.colour = float(job.pk), job.pk % COLOURS
    job.save(update_fields=["position", "colour"])
    transitions.first(job, Actor.USER, owner)
    forecasts.keep(job, spec)
    waking.control_after_commit()
    audit.record(owner, "submitted", job, via=via, after={"name": job.name}, address=address)
    return job


def _project(owner: User, spec: JobSpec, problems: list[Problem]) -> Project | None:
    try:
        return projects.named(owner, spec.project)
    except Project.DoesNotExist:
        sentence = gettext_noop("No project '%(name)s' that you may use.")
        problems.append(Problem("project", sentence, {"name": spec.project}))
        return None


def _version(owner: User, spec: JobSpec, problems: list[Problem]) -> DatasetVersion | None:
    """The newest version of the dataset. Unknown and not visible sound the same."""
    dataset = _datasets(owner, spec.dataset).first()
    params = {"name": spec.dataset}
    if dataset is None:
        problems.append(_no_dataset(spec.dataset))
        return None
    if dataset.state == DatasetState.IMPORTING:
        sentence = gettext_noop("Dataset '%(name)s' is still being imported. Try again when it is ready.")
    elif dataset.state == DatasetState.REVIEW:
        sentence = gettext_noop("Dataset '%(name)s' is not imported yet: look at what was found, and say so there.")
    elif dataset.state == DatasetState.FAILED:
        sentence = gettext_noop("Dataset '%(name)s' could not be imported. Open it to see why, or choose another.")
    elif dataset.task != spec.task:
        sentence = gettext_noop("Dataset '%(name)s' is for the task %(task)s. Choose that task or another dataset.")
        params["task"] = dataset.task
    else:
        return dataset.versions.first()
    problems.append(Problem("dataset", sentence, params))
    return None


def _datasets(owner: User, slug: str) -> QuerySet[Dataset]:
    return visible(owner, Dataset.objects.filter(slug=slug, removed_at=None))


def _no_dataset(name: str) -> Problem:
    return Problem(
        "dataset", gettext_noop("No dataset '%(name)s' that you may use. Choose one under Datasets."), {"name": name}
    )


def _steps(
    spec: JobSpec,
    version: DatasetVersion,
    base_model: BaseModel | None,
    source: Job | None,
    problems: list[Problem],
) -> list[dict[str, Any]]:
    default = model_recipes.fitted(recipes.default_steps(version, spec.task), base_model)
    steps = spec.recipe or model_recipes.continued(default, source.spec["recipe"] if source else [])
    found = recipes.check(steps, version.schema, task=spec.task)
    found = found or tokenizers.problems(steps, version.dataset.project)
    problems += found or model_recipes.problems(steps, base_model)
    return steps


def _source(owner: User, spec: JobSpec, problems: list[Problem]) -> Job | None:
    source = visible(owner, Job.objects.filter(pk=spec.source_job, removed_at=None)).first()
    params = {"job": spec.source_job}
    if source is None:
        sentence = gettext_noop("No job #%(job)s that you may use. Choose one under Jobs.")
    elif source.state in (JobState.FAILED, JobState.CANCELLED):
        sentence = gettext_noop("Job #%(job)s has no result to start from. Try it again first, or choose another.")
    else:
        return _with_its_checkpoint(source, spec.model.get("step", 0), problems)
    problems.append(Problem("model.id", sentence, params))
    return None


def _with_its_checkpoint(source: Job, step: int, problems: list[Problem]) -> Job:
    """The source; one whose checkpoint of this step does not lie on the server is a problem. 0: what it leaves."""
    if step and weights.checkpoint_here(source, step) is None:
        there = ", ".join(str(row.step) for row in weights.checkpoints_here(source)) or "—"
        sentence = gettext_noop("Job #%(job)s keeps no checkpoint of step %(step)s on the server. It has: %(there)s.")
        problems.append(Problem("model.step", sentence, {"job": source.pk, "step": step, "there": there}))
    return source


def _devices(spec: JobSpec, problems: list[Problem]) -> list[Device]:
    """The named devices, which must exist and be able to train together; none when any will do."""
    named = Device.objects.filter(slug__in=spec.devices.ids, removed_at=None).select_related("host")
    found = {device.slug: device for device in named}
    for index, slug in enumerate(spec.devices.ids):
        if slug not in found:
            sentence = gettext_noop("No device '%(name)s'. It may have been removed; choose another.")
            problems.append(Problem(f"devices.ids.{index}", sentence, {"name": slug}))
    problems += environment.differences(found.values())
    return [found[slug] for slug in spec.devices.ids if slug in found]


def _moment(text: str):
    return parse_datetime(text) if text else None


def _name(checked: Checked) -> str:
    return f"{checked.version.dataset.name} · {checked.spec.model['source']}"[:120]
