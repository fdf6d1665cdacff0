"""What a user asked of a job's result (`"eval/accuracy >= 0.97"`), held against what was measured."""

import operator
from typing import Any

from contract.spec import REQUIREMENT
from jobs.metrics.points import from_json
from jobs.models import Job
from jobs.states import ENDED

COMPARE = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}


def verdicts(job: Job) -> list[dict[str, Any]]:
    """Each requirement with the last value of its metric and `met`, `missed`, or `open` while the job may still
    change it, `unknown` when it ended without that metric."""
    return [_verdict(text, job) for text in job.spec.get("requirements", [])]


def _verdict(text: str, job: Job) -> dict[str, Any]:
    found = REQUIREMENT.match(text)
    if found is None:
        raise ValueError(f"no requirement: {text!r}")
    key, sign, limit = found.groups()
    stored = job.summary.get(key)
    if stored is None:
        return {"text": text, "key": key, "value": None, "verdict": "unknown" if job.state in ENDED else "open"}
    met = COMPARE[sign](from_json(stored), float(limit))
    verdict = "met" if met else ("missed" if job.state in ENDED else "open")
    return {"text": text, "key": key, "value": None if isinstance(stored, str) else stored, "verdict": verdict}
