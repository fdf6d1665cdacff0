"""Jobs as rows of pages: what `queries` says of them, with the state in a sentence, a loss line and the figure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.urls import reverse
from django.utils import timezone

from jobs import headline_figure, queries, sparkline
from jobs.job_page import headline
from jobs.models import Job
from jobs.states import ENDED


@dataclass
class JobRow:
    job: Job
    parts: dict[str, Any] = field(default_factory=dict)
    spark: sparkline.Sparkline | None = None
    figure: headline_figure.Figure | None = None

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
    def short_reason(self) -> str:
        """The reason beside the state; nothing for what runs or simply succeeded."""
        return self.line["text"] if self.job.wait_reason or self.job.end_reason else ""

    @property
    def ended(self) -> bool:
        return self.job.state in ENDED

    @property
    def seconds(self) -> float | None:
        """How long it trained, or trains already."""
        if not self.job.started_at:
            return None
        return ((self.job.ended_at or timezone.now()) - self.job.started_at).total_seconds()


def of(jobs: Iterable[Job]) -> list[JobRow]:
    """Rows for jobs that were read through `queries.with_parts`."""
    found = list(jobs)
    lines, figures = (sparkline.of(found), headline_figure.of(found)) if found else ({}, {})
    return [JobRow(job, queries.job_row(job), lines.get(job.pk), figures.get(job.pk)) for job in found]
