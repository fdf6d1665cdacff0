"""On which data somebody wants to have a model measured: its own, or another dataset made to be shown to it."""

from typing import Any

from accounts.models import User
from accounts.permissions import visible
from catalog import services as catalog
from catalog.models import Dataset, DatasetState, DatasetVersion, PreparedData
from contract.problems import Problem, gettext_noop, unknown
from contract.spec import SPLITS
from contract.tasks import TASKS
from jobs.models import Job

MOST_NAMED = 12
"""classes or columns in one sentence"""


def evaluated(job: Job, slug: Any, split: Any, actor: User, problems: list[Problem]) -> PreparedData | None:
    """The prepared data whose `split` is to be asked about; `slug` "" means the job's own.

    Adds what is wrong to `problems`; then None.
    """
    version = job.version if slug in (None, "") else _version(slug, actor, "dataset", problems)
    if version is None or not (_has(version, split, problems) and _fits(job, version, problems)):
        return None
    return _as_taken_by(job, version)


def foreign(job: Job, slug: Any, actor: User, problems: list[Problem]) -> PreparedData | None:
    """A dataset that the model is to be able to tell from its own; None where none is named."""
    version = None if slug in (None, "") else _version(slug, actor, "foreign", problems)
    if version is None:
        return None
    params = {"name": version.dataset.slug, "kind": version.schema["kind"], "model": TASKS[job.task].kind}
    if params["kind"] != params["model"]:
        sentence = gettext_noop("'%(name)s' is %(kind)s data, and the model takes %(model)s data.")
        problems.append(Problem("foreign", sentence, params))
    elif version.content_hash == job.version.content_hash:
        sentence = gettext_noop("'%(name)s' is what the model learned from. Name other data.")
        problems.append(Problem("foreign", sentence, params))
    elif missing := _missing_columns(job, version):
        problems.append(_no_columns("foreign", version, missing))
    else:
        return _as_taken_by(job, version)
    return None


def others(job: Job, actor: User) -> list[Dataset]:
    """Datasets that the model could be shown: of the same kind of data, and ready."""
    rows = visible(actor, Dataset.objects.filter(removed_at=None, state=DatasetState.READY))
    if not job.version.dataset.versions.filter(number__gt=job.version.number).exists():
        rows = rows.exclude(pk=job.version.dataset_id)
    return [row for row in rows.order_by("name") if TASKS[row.task].kind == TASKS[job.task].kind]


def _as_taken_by(job: Job, version: DatasetVersion) -> PreparedData:
    if version.pk == job.version_id:
        return job.prepared
    return catalog.prepare(version, job.prepared.recipe.steps, like=job.prepared)


def _version(slug: Any, actor: User, path: str, problems: list[Problem]) -> DatasetVersion | None:
    """The newest version of a dataset that this person may use."""
    rows = visible(actor, Dataset.objects.filter(slug=str(slug)[:120], removed_at=None))
    found = rows.first()
    version = found.versions.select_related("dataset").first() if found else None
    if version is None:
        sentence = gettext_noop("No dataset '%(name)s' that you may use and that is ready.")
        problems.append(Problem(path, sentence, {"name": str(slug)[:120]}))
    return version


def _has(version: DatasetVersion, split: Any, problems: list[Problem]) -> bool:
    if split not in SPLITS:
        problems.append(unknown("split", str(split), SPLITS))
        return False
    if not version.splits.get(split, {}).get("count", 0):
        sentence = gettext_noop("The data has no samples in its split '%(split)s'.")
        problems.append(Problem("split", sentence, {"split": split}))
        return False
    return True


def _fits(job: Job, version: DatasetVersion, problems: list[Problem]) -> bool:
    """Whether the model answers what this data asks: the same task, no class that it does not know, all its columns."""
    if version.pk == job.version_id:
        return True
    if version.dataset.task != job.task:
        params = {"name": version.dataset.slug, "task": version.dataset.task, "model": job.task}
        sentence = gettext_noop("'%(name)s' is for the task %(task)s, and the model does %(model)s.")
        problems.append(Problem("dataset", sentence, params))
    elif strange := _strange_classes(job, version):
        problems.append(strange)
    elif missing := _missing_columns(job, version):
        problems.append(_no_columns("dataset", version, missing))
    else:
        return True
    return False


def _strange_classes(job: Job, version: DatasetVersion) -> Problem | None:
    known, theirs = job.version.schema.get("classes", []), version.schema.get("classes", [])
    if version.schema.get("multi") and not job.version.schema.get("multi"):
        sentence = gettext_noop("Items of '%(name)s' have several classes each, and the model names one.")
        return Problem("dataset", sentence, {"name": version.dataset.slug})
    strange = [name for name in theirs if name not in known]
    if not strange:
        return None
    params = {"name": version.dataset.slug, "classes": _list(strange), "known": _list(known)}
    sentence = gettext_noop("The model does not know these classes of '%(name)s': %(classes)s. It knows: %(known)s.")
    return Problem("dataset", sentence, params)


def _missing_columns(job: Job, version: DatasetVersion) -> list[str]:
    theirs = {(column["name"], column["type"]) for column in version.schema.get("columns", [])}
    mine = job.version.schema.get("columns", [])
    return [f"{column['name']} ({column['type']})" for column in mine if (column["name"], column["type"]) not in theirs]


def _no_columns(path: str, version: DatasetVersion, missing: list[str]) -> Problem:
    sentence = gettext_noop("'%(name)s' lacks columns that the model looks at: %(columns)s.")
    return Problem(path, sentence, {"name": version.dataset.slug, "columns": _list(missing)})


def _list(names: list[str]) -> str:
    return ", ".join(names[:MOST_NAMED]) + ("…" if len(names) > MOST_NAMED else "")
