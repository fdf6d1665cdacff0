"""A job that succeeds becomes a version of a result, in the transaction that ends it."""

from django.db import IntegrityError, transaction
from django.db.models import Max

from catalog import names
from config import release
from jobs.models import Job
from results.models import Result, ResultVersion

TRIES = 5
"""at one name or number, against jobs that end at the same moment"""


def register(job: Job) -> ResultVersion:
    """The version that this job made; the same one when it is asked twice."""
    for _try in range(TRIES):
        known = ResultVersion.objects.filter(job=job).first()
        if known is not None:
            return known
        try:
            with transaction.atomic():
                return _next_version(_result_of(job), job)
        except IntegrityError:
            continue
    raise RuntimeError(f"no free version for the result of job {job.pk}")


def _result_of(job: Job) -> Result:
    found = Result.objects.filter(project=job.project, name=job.name, task=job.task).first()
    if found is not None:
        return found
    return names.with_slug(
        job.name,
        lambda slug: Result.objects.create(
            project=job.project, owner=job.owner, name=job.name, task=job.task, slug=slug
        ),
        rows=Result.objects,
        otherwise="model",
    )


def _next_version(result: Result, job: Job) -> ResultVersion:
    last = result.versions.aggregate(last=Max("number"))["last"] or 0
    return ResultVersion.objects.create(result=result, job=job, number=last + 1, code=release.running()._asdict())
