"""The one figure by which a job is judged, the same wherever it is shown, always with the split it was measured on."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import FloatField, OuterRef, QuerySet, Subquery
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Coalesce

from contract.tasks import TASKS
from jobs import task_metrics
from jobs.models import Attempt, Evaluation, Job, Latest

METRICS = tuple(dict.fromkeys(facts.headline for facts in TASKS.values()))
"""what tasks are judged by: a job has one of them"""
MEASURED = "measured"


@dataclass(frozen=True)
class Figure:
    key: str
    """of the points that it is the last of, or `measured/…` when devices measured it at the end"""
    split: str
    """test, validation or train"""
    value: float

    @property
    def metric(self) -> str:
        return self.key.rpartition("/")[2]

    @property
    def label(self) -> str:
        return task_metrics.measured_on(self.metric, self.split)


def of(jobs: Iterable[Job]) -> dict[int, Figure]:
    """`{job id: figure}` for jobs with their attempts: what was measured at the end, before that the last points."""
    jobs, told = list(jobs), defaultdict(list)
    last = [attempts[-1].pk for job in jobs if (attempts := list(job.attempts.all()))]
    for row in Evaluation.objects.filter(attempt__in=last):
        told[row.job_id].append(row)
    return {job.pk: figure for job in jobs if (figure := of_job(job, told[job.pk]))}


def of_job(job: Job, evaluations: Iterable[Evaluation]) -> Figure | None:
    """The same of one job: `evaluations` are those of its last attempt; all devices tell the same."""
    metric = task_metrics.facts(job).headline
    for row in evaluations:
        if metric in row.metrics:
            return Figure(f"{MEASURED}/{metric}", row.split, row.metrics[metric])
    return _of_points(job)


def sorted_by(jobs: QuerySet[Job], name: str) -> QuerySet[Job]:
    """The jobs with `name`: the figure's value as the database knows it; None where there are points of training only.

    A job has one of METRICS, so whichever is there is its own.
    """
    last = Attempt.objects.filter(job=OuterRef("job")).order_by("-number").values("pk")[:1]
    tested = Evaluation.objects.filter(job=OuterRef("pk"), attempt=Subquery(last)).order_by("pk")
    metrics = [Cast(KeyTextTransform(metric, "metrics"), FloatField()) for metric in METRICS]
    measured = tested.annotate(figure=Coalesce(*metrics)).values("figure")[:1]
    validated = Latest.objects.filter(job=OuterRef("pk"), key__in=[f"eval/{metric}" for metric in METRICS])
    return jobs.annotate(**{name: Coalesce(Subquery(measured), Subquery(validated.values("value")[:1]))})


def _of_points(job: Job) -> Figure | None:
    for metric in (task_metrics.facts(job).headline, "loss"):
        for prefix, split in task_metrics.OF_POINTS.items():
            value = job.summary.get(f"{prefix}/{metric}")
            if isinstance(value, int | float):
                return Figure(f"{prefix}/{metric}", split, value)
    return None
