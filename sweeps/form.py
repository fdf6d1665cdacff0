"""The form of a new sweep: rows that name a setting and, in words, what it is to be; and how long all of it takes.

What people write: `16, 32, 64` (choices), `0.0001 to 0.03` (a range), `16 to 64 step 16` (a grid in a range), or a JSON
list where a choice is itself a list.
"""

import json
import math
import re
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.permissions import visible
from config import formats
from contract.problems import Invalid, Problem, gettext_noop
from jobs import demo
from jobs.models import Job
from jobs.spec_fields import DEVICE_FIELDS, METHOD_FIELDS, MODEL_FIELDS, MORE_FIELDS
from jobs.states import JobState
from sweeps.plan import Plan

ROWS = 4
JOBS_SHOWN = 50
VARIED = [
    field
    for field in (*METHOD_FIELDS, *MORE_FIELDS, *MODEL_FIELDS, *DEVICE_FIELDS)
    if field.kind in ("whole", "number", "choice", "widths", "switch")
]
"""settings that the form offers; any other is reached over REST"""
RANGE = re.compile(r"^\s*(\S+)\s*(?:to|\.\.|–)\s*(\S+?)(?:\s+step\s+(\S+))?\s*$")
START = {"algorithm": "tpe", "metric": "eval/loss", "trials": "20", "parallel": "1"}
FIRST_ROWS = (
    ("training.learning_rate", "0.0001 to 0.03", True),
    ("training.per_device_train_batch_size", "16, 32, 64", False),
)


def blank(reader: User, job: Job | None) -> dict[str, Any]:
    """What a form shows before anything was typed into it."""
    base = demo.as_own(job) if job else {"task": "image-classification", "dataset": "", "model": {"source": "conv"}}
    named = {"name": f"{job.name} sweep"[:100]} if job else {"name": ""}
    rows = [*FIRST_ROWS, *[("", "", False)] * (ROWS - len(FIRST_ROWS))]
    return START | named | {"base": json.dumps(base, indent=1, ensure_ascii=False), "rows": _rows(rows)}


def typed_again(typed: QueryDict) -> dict[str, Any]:
    """What was typed, to be shown once more."""
    named = {name: typed.get(name, "") for name in ("name", "base", *START)}
    read = [(typed.get(f"setting-{n}", ""), typed.get(f"values-{n}", ""), f"log-{n}" in typed) for n in range(ROWS)]
    return named | {"rows": _rows(read), "confirm": "confirm" in typed}


def body(typed: QueryDict) -> dict[str, Any]:
    """The form as REST would send it. Raises Invalid where something cannot be read."""
    problems: list[Problem] = []
    space = {}
    for number in range(ROWS):
        path, text = typed.get(f"setting-{number}", ""), typed.get(f"values-{number}", "").strip()
        if path and text:
            space[path] = values_of(text, f"log-{number}" in typed, f"space.{path}", problems)
    base = _base(typed.get("base", ""), problems)
    if problems:
        raise Invalid(problems)
    told = {name: text for name in ("name", "algorithm", "metric") if (text := typed.get(name, ""))}
    numbers = {name: int(text) for name in ("trials", "parallel") if (text := typed.get(name, "")).isdecimal()}
    return told | numbers | {"base": base, "space": space, "confirm": "confirm" in typed}


def values_of(text: str, log: bool, path: str, problems: list[Problem]) -> dict[str, Any]:
    """Choices, or a range, as the space of a plan has them."""
    if text.startswith("["):
        try:
            return {"choices": json.loads(text)}
        except (ValueError, RecursionError) as error:
            problems.append(Problem(path, gettext_noop("This is no JSON list: %(error)s"), {"error": str(error)}))
            return {}
    if found := RANGE.match(text):
        low, high, step = (_value(part) for part in found.groups())
        return {"low": low, "high": high, "log": log} | ({"step": step} if step is not None else {})
    return {"choices": [_value(part.strip()) for part in text.split(",") if part.strip()]}


def forecast(plan: Plan, job: Job | None) -> str:
    """How many jobs this makes and, by the job it starts from, about how long they take."""
    known: dict[str, Any] = {"jobs": formats.whole(plan.trials), "parallel": plan.parallel}
    if job is None or job.state != JobState.SUCCEEDED or not (job.started_at and job.ended_at):
        return _("%(jobs)s jobs, %(parallel)s at a time.") % known
    each = (job.ended_at - job.started_at).total_seconds()
    known |= {"each": formats.duration(each), "number": job.pk}
    known["all"] = formats.duration(each * math.ceil(plan.trials / plan.parallel))
    return _("%(jobs)s jobs, %(parallel)s at a time: about %(all)s, as job #%(number)s took %(each)s.") % known


def jobs_to_start_from(reader: User) -> list[Job]:
    return list(visible(reader, Job.objects.filter(removed_at=None)).order_by("-id")[:JOBS_SHOWN])


def _rows(rows: list[tuple[str, str, bool]]) -> list[dict[str, Any]]:
    return [
        {"number": number, "setting": setting, "values": values, "log": log}
        for number, (setting, values, log) in enumerate(rows)
    ]


def _base(text: str, problems: list[Problem]) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        problems.append(Problem("base", gettext_noop("This is no JSON: %(error)s"), {"error": str(error)}))
        return None


def _value(text: str | None) -> Any:
    """A number, true or false where it reads as one, else the word itself."""
    if text is None:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
