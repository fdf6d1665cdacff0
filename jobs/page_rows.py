"""Jobs as rows of pages: what `queries` says of them, with the state in a sentence, a loss line and the best metric."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.urls import reverse
from django.utils import timezone

from jobs import queries, sparkline, task_metrics
from jobs.job_page import headline
from jobs.models import Job
from jobs.states import ENDED


@dataclass
class JobRow:
    job: Job
    parts: dict[str, Any] = field(default_factory=dict)
    spark: sparkline.Sparkline | None = None

    @property
    def line(self) -> dict[str, Any]:
        return self.parts["state_line"]

    @property
    def url(self) -> str:
        return reverse("job", args=[self.job.pk])

    @property
    def left(self) -> str:
        """Time left; after the last step what happens then."""
        return self.line["text"] if self.parts["progress"] >= 1 else headline.time_left(self.parts["eta_seconds"])

    @property
    def hue(self) -> int:
        """Which of the eight colours marks the job in lists and charts."""
        return self.job.colour % 8 + 1

    @property
    def wanted(self) -> int:
        devices = self.job.spec["devices"]
        return len(devices["ids"]) or devices["count"]

    @property
    def result(self) -> dict[str, Any] | None:
        """The headline of the job's task on the validation split."""
        name = task_metrics.facts(self.job).headline
        value = self.parts["summary"].get(f"eval/{name}")
        return None if value is None else {"key": f"eval/{name}", "name": task_metrics.name_of(name), "value": value}

    @property
    def short_reason(self) -> str:
        """The reason beside the state; nothing for what runs or simply succeeded."""
        return self.line["text"] if self.job.wait_reason or self.job.end_reason else ""

    @property
    def ended(self) -> bool:
        return self.job.state in ENDED

    @property
    def best(self) -> dict[str, Any] | None:
        """The metric that a list shows: the first known of the most telling ones, and on which data it was measured."""
        name = task_metrics.facts(self.job).headline
        for key in (f"eval/{name}", f"train/{name}", "eval/loss", "train/loss"):
            value = self.parts["summary"].get(key)
            if value is not None:
                return {"key": key, "label": task_metrics.measured_on(key), "value": value}
        return None

    @property
    def seconds(self) -> float | None:
        """How long it trained, or trains already."""
        if not self.job.started_at:
            return None
        return ((self.job.ended_at or timezone.now()) - self.job.started_at).total_seconds()


def of(jobs: Iterable[Job]) -> list[JobRow]:
    """Rows for jobs that were read through `queries.with_parts`."""
    found = list(jobs)
    lines = sparkline.of(found) if found else {}
    return [JobRow(job, queries.job_row(job), lines.get(job.pk)) for job in found]
