"""The three files of a report, all made of the same facts."""

import json

from jobs.models import Job
from jobs.report import page, pdf
from jobs.report.facts import facts_of
from jobs.report.sections import sections_of

NAMES = ("report.json", "report.html", "report.pdf")


def written(job: Job) -> dict[str, bytes]:
    """{name: bytes} of NAMES."""
    facts = facts_of(job)
    title, sections = f"#{job.pk} {job.name}", sections_of(facts)
    return {
        "report.json": json.dumps(facts, indent=1, ensure_ascii=False).encode(),
        "report.html": page.html(title, sections).encode(),
        "report.pdf": pdf.pdf(title, sections),
    }


def html(job: Job) -> str:
    """The page alone."""
    return page.html(f"#{job.pk} {job.name}", sections_of(facts_of(job)))
