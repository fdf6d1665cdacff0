"""The one figure by which a job is judged, the same wherever it is shown, always with the split it was measured on."""

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
OF_POINTS = {"eval": "validation", "train": "train"}
"""which split the points of a key are of"""


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
    jobs, found = list(jobs), {}
    tested = _tested([attempts[-1].pk for job in jobs if (attempts := list(job.attempts.all()))])
    for job in jobs:
        figure = tested.get(job.pk) or _of_points(job)
        if figure is not None:
            found[job.pk] = figure
    return found


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


def _tested(attempts: list[int]) -> dict[int, Figure]:
    """What the first device told of each of these attempts (all devices tell the same)."""
    rows = Evaluation.objects.filter(attempt__in=attempts).select_related("job").order_by("-pk")
    found = {}
    for row in rows:
        metric = task_metrics.facts(row.job).headline
        if metric in row.metrics:
            found[row.job_id] = Figure(f"{MEASURED}/{metric}", row.split, row.metrics[metric])
    return found


def _of_points(job: Job) -> Figure | None:
    for metric in (task_metrics.facts(job).headline, "loss"):
        for prefix, split in OF_POINTS.items():
            value = job.summary.get(f"{prefix}/{metric}")
            if isinstance(value, int | float):
                return Figure(f"{prefix}/{metric}", split, value)
    return None
