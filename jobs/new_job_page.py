"""What the new-job page shows around its fields: tasks, models, data and devices to choose from, plan and changes."""

import json
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import User
from accounts.permissions import visible
from catalog import queries as catalog_queries
from catalog import recipes
from catalog.base_models.queries import models_of
from catalog.models import BaseModel, BaseModelState, Dataset, DatasetState, DatasetVersion
from config.formats import size, whole
from contract.problems import Invalid
from contract.spec import TASKS, TASKS_BUILT
from contract.spec_keras import TASKS as KERAS_TASKS
from devices import shown
from devices.models import DeviceState
from jobs import model_recipes, spec_diff, spec_fields, spec_form, spec_presets
from jobs.job_filling import Filling, Told
from jobs.models import Job
from jobs.planning import plan as planning
from jobs.planning import reasons
from jobs.preflight_page import Run
from jobs.states import ENDED, JobState

MOST_CHOICES = 100


@dataclass(frozen=True)
class Option:
    """A card to choose. `reason` set: it cannot be chosen, and why."""

    value: str
    title: str
    detail: str = ""
    more: str = ""
    state: str = ""
    word: str = ""
    reason: str = ""
    checked: bool = False
    when: str = ""
    """`name=value value`: shown only while that field of the form has one of the values"""


def parts(actor: User, filling: Filling, base: Job | None, preflight: Run | None) -> dict[str, Any]:
    """What changes while one types: plan, problems, changes, preflight."""
    plan = None
    if filling.spec is not None:
        plan = planning.of(filling.spec, _version(actor, filling), filling.steps)
    before = spec_form.complete(base.spec) if base else {}
    return {
        "filling": filling,
        "plan": plan,
        "forecast": reasons.to_json(plan) if plan else None,
        "base": base,
        "changes": spec_diff.changes(before, spec_form.complete(filling.body)) if base and filling.body else [],
        "preflight": preflight,
        **preprocessing(actor, filling),
    }


def _version(actor: User, filling: Filling) -> DatasetVersion | None:
    datasets = visible(actor, Dataset.objects.filter(removed_at=None, slug=str(filling.body.get("dataset", ""))))
    dataset = datasets.first()
    return catalog_queries.latest(dataset) if dataset else None


def choices(actor: User, filling: Filling) -> dict[str, Any]:
    values = filling.values
    datasets = _datasets(actor, values)
    needs, losses = filling.fields(spec_fields.NEED_FIELDS), filling.fields(spec_fields.LOSS_FIELDS)
    return {
        "values": values,
        "task": values["task"],
        "dataset": values["dataset"],
        "model_source": values["model.source"],
        "model_job": values["model.id"],
        "model_slug": values["model.slug"],
        "model_definition": values["model.definition"],
        "devices_by": values["devices.by"],
        "rest": values["rest"],
        "tasks": _tasks(values["task"]),
        "models": _models(values["model.source"]),
        "source_jobs": _source_jobs(actor),
        "base_models": _base_models(actor),
        "datasets": datasets,
        "tasks_without_data": " ".join(task for task in TASKS if f"task={task}" not in {one.when for one in datasets}),
        "devices": _devices(actor, values["devices.ids"]),
        "recipe_text": values["recipe"],
        "recipe_problems_at": _by_path(filling.errors("recipe")),
        "presets": spec_presets.PRESETS,
        "preset": spec_presets.matching(filling.body),
        "model_fields": filling.fields(spec_fields.MODEL_FIELDS),
        "sized_models": " ".join(dict.fromkeys(" ".join(each.sources for each in spec_fields.MODEL_FIELDS).split())),
        "device_fields": filling.fields(spec_fields.DEVICE_FIELDS),
        "need_fields": needs,
        "needs_open": any(shown.changed or shown.errors for shown in needs),
        "loss_fields": losses,
        "loss_open": any(shown.changed or shown.errors for shown in losses),
        "method_fields": filling.fields(spec_fields.METHOD_FIELDS),
        "more_fields": filling.fields((*spec_fields.MORE_FIELDS, *spec_fields.PRIVACY_FIELDS)),
        "after_fields": filling.fields(spec_fields.AFTER_FIELDS),
        "review_fields": filling.fields(spec_fields.REVIEW_FIELDS),
        "path_errors": {name: filling.errors(name) for name in ("task", "dataset", "recipe")}
        | {"model": filling.errors("model"), "devices": filling.errors("devices")},
    }


def _tasks(chosen: str) -> list[Option]:
    names = {
        "image-classification": (_("Image classification"), _("Which class does a picture belong to?")),
        "object-detection": (_("Object detection"), _("What is where in a picture?")),
        "text-classification": (_("Text classification"), _("Which class does a text belong to?")),
        "causal-lm": (_("Language model"), _("What comes next in a text?")),
        "tabular-classification": (_("Table classification"), _("Which class does a row belong to?")),
        "tabular-regression": (_("Table regression"), _("Which number belongs to a row?")),
    }
    missing = _("This version of the server cannot do it yet.")
    return [
        Option(task, *names[task], reason="" if task in TASKS_BUILT else missing, checked=task == chosen)
        for task in TASKS
    ]


def _models(chosen: str) -> list[Option]:
    found = [
        ("conv", _("Small convolutional network"), _("For pictures; trains in minutes on a CPU."), ""),
        ("vit", _("Small vision transformer"), _("Looks at patches; wants more pictures than the one above."), ""),
        ("dense", _("Dense network"), _("Every input to every unit; the quickest there is."), ""),
        ("detector", _("Small detector"), _("Says boxes and classes; trains in minutes on a CPU."), ""),
        ("text", _("Small text encoder"), _("Reads a text from scratch; trains in minutes on a CPU."), ""),
        ("lm", _("Small language model"), _("Says what comes next, learnt from scratch."), ""),
        ("job", _("Result of a job"), _("Go on from weights that were trained here: true fine-tuning."), ""),
        ("registered", _("Registered model"), _("Weights that were added under Models."), ""),
        ("keras", _("Keras definition"), _("A Sequential of Keras 3, run on PyTorch as it was compiled."), ""),
        ("transformers", _("Transformers folder"), _("A directory or configuration."), _in_text(chosen)),
    ]
    return [
        Option(value, title, detail, reason=reason, checked=value == chosen, when=_of_tasks(value))
        for value, title, detail, reason in found
    ]


def _of_tasks(model: str) -> str:
    """A model is offered for the tasks that it does."""
    tasks = " ".join(KERAS_TASKS if model == "keras" else (t for t, facts in TASKS.items() if model in facts.models))
    return f"task={tasks}" if tasks else ""


def _in_text(chosen: str) -> str:
    """This source has no fields: it is written into the raw spec."""
    return "" if chosen == "transformers" else _("Add the folder under Models, or name it in the raw spec.")


def _base_models(actor: User) -> list[BaseModel]:
    """Whether one can do the task is told by the spec, once both are chosen."""
    return list(models_of(actor).filter(state=BaseModelState.READY)[:MOST_CHOICES])


def _source_jobs(actor: User) -> list[Job]:
    """Jobs whose result one can go on from; one that has not ended makes the new job wait for it."""
    jobs = visible(actor, Job.objects.filter(removed_at=None, archived=False))
    return list(jobs.exclude(state__in=ENDED - {JobState.SUCCEEDED}).order_by("-pk")[:MOST_CHOICES])


def _datasets(actor: User, values: dict[str, Any]) -> list[Option]:
    """Those that can be used, each shown for its task; then those that cannot, with the reason."""
    found = []
    for dataset in catalog_queries.datasets_of(actor)[:MOST_CHOICES]:
        reason = _why_not(dataset)
        version = catalog_queries.latest(dataset)
        detail = ""
        if version:
            params = {"samples": whole(version.items), "n": len(version.schema.get("classes", []))}
            params |= {"size": size(version.bytes)}
            classes = _("%(samples)s samples in %(n)s classes, %(size)s") % params
            detail = classes if params["n"] else _("%(samples)s samples, %(size)s") % params
        warnings = catalog_queries.dataset_json(dataset)["warnings"]
        more = warnings[0]["text"] if warnings else ""
        found.append(
            Option(
                dataset.slug,
                dataset.name,
                detail,
                more,
                "" if dataset.state == DatasetState.READY else dataset.state,
                reason=reason,
                checked=dataset.slug == values["dataset"],
                when="" if reason else f"task={dataset.task}",
            )
        )
    return sorted(found, key=lambda option: bool(option.reason))


def _why_not(dataset: Dataset) -> str:
    if dataset.state == DatasetState.IMPORTING:
        return _("Still being imported.")
    if dataset.state == DatasetState.REVIEW:
        return _("Not imported yet: what was found waits to be looked at.")
    if dataset.state == DatasetState.FAILED:
        return _("Its import failed.")
    return ""


def _devices(actor: User, ids: list[str]) -> list[Option]:
    found = []
    for row in shown.rows(actor):
        memory = (
            _("%(size)s free") % {"size": size(row["memory_free"])} if row["memory_free"] else size(row["memory_bytes"])
        )
        kind = "GPU" if row["kind"] == "cuda" else "CPU"
        more = _("Has a job now: yours waits its turn.") if row["busy"] else ""
        joining = row["state"] == DeviceState.JOINING
        found.append(
            Option(
                row["slug"],
                row["name"],
                " · ".join(part for part in (kind, row["host"], memory) if part),
                more or ("" if joining else row["why"]),
                row["shown_state"],
                row["word"],
                reason=row["why"] if joining else "",
                checked=row["slug"] in ids,
            )
        )
    return found


def _recipe_of_source(actor: User, filling: Filling) -> list[dict[str, Any]]:
    """Of the job that this one goes on from; [] when it starts otherwise."""
    number = str(filling.values["model.id"]) if filling.values["model.source"] == "job" else ""
    if not (number.isdecimal() and len(number) < 9):
        return []
    source = visible(actor, Job.objects.filter(pk=int(number))).first()
    return source.spec["recipe"] if source else []


def _by_path(told: list[Told]) -> str:
    """As JSON, for the form over the recipe: sentences by what they are about."""
    found: dict[str, list[str]] = {}
    for one in told:
        found.setdefault(one.path, []).append(one.sentence)
    return json.dumps(found) if found else ""


def preprocessing(actor: User, filling: Filling) -> dict[str, Any]:
    """What the job does to its data: `recipe_words` as given, else as chosen; `recipe_chosen`, what a job without steps
    of its own takes, as JSON ("": no data yet), and in words whether the model has a say in that."""
    chosen, why = _chosen_steps(actor, filling)
    try:
        told = recipes.words(filling.body.get("recipe") or chosen or [])
    except Invalid:
        told = []
    return {
        "recipe_words": told,
        "recipe_own": bool(filling.body.get("recipe")),
        "recipe_chosen": json.dumps(chosen, ensure_ascii=False) if chosen else "",
        "recipe_chosen_for": why,
    }


def _chosen_steps(actor: User, filling: Filling) -> tuple[list[dict[str, Any]] | None, str]:
    version = _version(actor, filling)
    if version is None:
        return None, ""
    of_data = recipes.default_steps(version, version.dataset.task)
    slug = filling.values["model.slug"] if filling.values["model.source"] == "registered" else ""
    model = models_of(actor).filter(slug=slug, state=BaseModelState.READY).first()
    steps = model_recipes.continued(model_recipes.fitted(of_data, model), _recipe_of_source(actor, filling))
    return steps, _("Chosen for this data") if steps == of_data else _("Chosen for this data and model")
