"""Limits that people state on a model by name: every version of it is held against them."""

from typing import Any

from django.db import transaction

from accounts import audit
from contract.problems import Invalid, Problem, gettext_noop
from contract.requirement import requirement_problems
from jobs import requirements
from jobs.judging import WEIGHTS
from jobs.models import Job
from results import measured, safety
from results.models import Result, ResultVersion

MOST = 50


def verdicts(version: ResultVersion, more: list[str] | None = None) -> list[dict[str, Any]]:
    """Those of its job, those of the model, then `more`."""
    return requirements.verdicts(version.job, [*version.result.requirements, *(more or [])])


def measured_of(job: Job) -> list[dict[str, Any]]:
    """What devices measured of the version that the job made; nothing before that."""
    version = ResultVersion.objects.filter(job=job).select_related("result", "job").first()
    if version is None:
        return []
    rows = measured.rows(version, measured.runs(version))
    return [*rows, _safety(version, rows)]


def _safety(version: ResultVersion, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """What is known of the version's safety as a row of its own, whichever devices measured it."""
    known = safety.values(safety.rows(version, rows))
    metrics = {key.removeprefix("safety/"): value for key, value in known.items() if key.startswith("safety/")}
    return {"artifact": WEIGHTS, "device": "", "state": "done", "metrics": metrics, "samples": None}


def checked(texts: Any) -> list[str]:
    """The limits as they are kept. Raises Invalid with every problem."""
    if not isinstance(texts, list) or len(texts) > MOST or not all(isinstance(text, str) for text in texts):
        sentence = gettext_noop("Expected a list of at most %(most)s texts.")
        raise Invalid([Problem("requirements", sentence, {"most": MOST})])
    problems = requirement_problems(texts)
    if problems:
        raise Invalid(problems)
    return [text.strip() for text in texts]


@transaction.atomic
def set_requirements(result: Result, texts: Any, actor: Any, *, via: str, address: str | None = None) -> None:
    """State what every version of this model has to keep. Raises Invalid."""
    before, result.requirements = result.requirements, checked(texts)
    result.save(update_fields=["requirements"])
    after = {"requirements": result.requirements}
    audit.record(actor, "limited", result, via=via, before={"requirements": before}, after=after, address=address)
