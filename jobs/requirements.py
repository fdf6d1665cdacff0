"""The limits that people stated on a job's result, each held against what was measured (`judging.py`)."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from contract.requirement import parse
from contract.spec import FORMATS
from jobs import clock
from jobs.judging import MET, MISSED, Facts, judged
from jobs.metrics.points import from_json
from jobs.models import Artifact, Job
from jobs.requirement_words import shown
from jobs.states import ENDED

measured: list[Callable[[Job], list[dict[str, Any]]]] = []
"""who upstairs knows what devices measured of a job's files"""


def verdicts(job: Job, more: Iterable[str] = ()) -> list[dict[str, Any]]:
    """Those of its spec, then `more`; `open` while the job may still change it, `unknown` when nobody measured it."""
    facts = _facts(job)
    rows = [judged(parse(text), facts) for text in [*job.spec.get("requirements", []), *more]]
    return [row | {"shown": shown(row)} for row in rows]


def overall(rows: list[dict[str, Any]]) -> str:
    """met, missed, or not_measured when none is missed and one is not known."""
    found = {row["verdict"] for row in rows}
    return MISSED if MISSED in found else (MET if found == {MET} else "not_measured")


def seconds_of(job: Job, now: datetime | None = None) -> float | None:
    """That its attempts ran, without waiting in between; None before the first began."""
    spans = [
        ((ended or now or clock.now()) - began).total_seconds()
        for began, ended in job.attempts.values_list("started_at", "ended_at")
        if began is not None
    ]
    return sum(spans) if spans else None


def files_of(job: Job) -> dict[str, int]:
    """Bytes of each model file, of the last attempt that made it."""
    made = Artifact.objects.filter(job=job, format__in=FORMATS, error="").order_by("attempt__number", "pk")
    return dict(made.values_list("name", "bytes"))


def _facts(job: Job) -> Facts:
    return Facts(
        last={key: from_json(stored) for key, stored in job.summary.items()},
        final=job.state in ENDED,
        rows=lambda: [row for source in measured for row in source(job)],
        files=lambda: files_of(job),
        seconds=lambda: seconds_of(job),
    )
