"""Which rows a check looks at, and how it reports what it finds."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from jobs.models import Attempt, Job


@dataclass(frozen=True)
class Violation:
    """One broken promise with the rows that show it."""

    invariant: str
    """I1 … I6"""
    sentence: str
    rows: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        rows = " ".join(f"{name}={value}" for name, value in self.rows.items())
        return f"{self.invariant}: {self.sentence} [{rows}]"


@dataclass(frozen=True)
class Scope:
    """`settled`: only what ended before this moment must be gone."""

    job_id: int | None
    now: datetime
    settled: datetime

    def jobs(self) -> QuerySet[Job]:
        return Job.objects.filter(pk=self.job_id) if self.job_id else Job.objects.all()

    def attempts(self) -> QuerySet[Attempt]:
        rows = Attempt.objects.select_related("job")
        return rows.filter(job=self.job_id) if self.job_id else rows
