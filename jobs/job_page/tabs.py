"""The tabs of a job's page beside the overview: what each one lists."""

import json
from collections.abc import Callable
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.formats import MISSING
from contract.spec import JobSpec
from jobs import checkpoints, history, sentences, spec_text
from jobs.models import Attempt, Job

LABELS = {
    "": gettext_lazy("Overview"),
    "checkpoints": gettext_lazy("Checkpoints"),
    "attempts": gettext_lazy("Attempts"),
    "artifacts": gettext_lazy("Artifacts"),
    "config": gettext_lazy("Config"),
    "events": gettext_lazy("Events"),
}
ALWAYS_SHOWN = ("task", "dataset", "model")
"""settings without a usual value"""


def bar(job: Job, current: str) -> list[dict[str, Any]]:
    """Tabs for `components/tabs.html`, with how many things each holds."""
    counts = {
        "checkpoints": job.checkpoints.exclude(state="pruned").count(),
        "attempts": job.attempts.count(),
        "artifacts": job.artifacts.count(),
    }
    return [
        {
            "label": label,
            "url": reverse("job_tab", args=[job.pk, name]) if name else reverse("job", args=[job.pk]),
            "current": name == current,
            "count": counts.get(name, ""),
        }
        for name, label in LABELS.items()
    ]


def _checkpoints(job: Job) -> dict[str, Any]:
    rows = list(job.checkpoints.select_related("attempt").order_by("-step"))
    names = {rank.device_id: rank.device.slug for attempt in job.attempts.all() for rank in attempt.ranks.all()}
    placed = [
        {
            "row": row,
            "places": [names.get(holder, str(holder)) for holder in row.holders],
            "on_server": row.state in checkpoints.USABLE and checkpoints.on_server(row),
        }
        for row in rows
    ]
    return {"checkpoints": placed}


def _attempts(job: Job) -> dict[str, Any]:
    return {"attempts": [_attempt(attempt, job) for attempt in reversed(list(job.attempts.all()))]}


def _attempt(attempt: Attempt, job: Job) -> dict[str, Any]:
    ended = attempt.ended_at
    took = (ended - attempt.created_at).total_seconds() if ended else None
    devices = [rank.device for rank in attempt.ranks.all()]
    return {"attempt": attempt, "devices": devices, "seconds": took, "text": sentences.attempt_text(attempt, job)}


def _artifacts(job: Job) -> dict[str, Any]:
    return {"artifacts": history.shown_artifacts(job)}


def _config(job: Job) -> dict[str, Any]:
    usual = JobSpec(task=job.spec["task"], dataset=job.spec["dataset"], model=job.spec["model"]).to_json()
    settings = _leaves(job.spec, usual)
    return {
        "own": [item for item in settings if item["differs"] or item["path"] in ALWAYS_SHOWN],
        "usual": [item for item in settings if not item["differs"] and item["path"] not in ALWAYS_SHOWN],
        "spec_yaml": spec_text.write(job.spec),
    }


def _leaves(spec: dict[str, Any], usual: dict[str, Any], prefix: str = "") -> list[dict[str, Any]]:
    """Every setting of the spec, and the usual value where this job has another."""
    found = []
    for name, value in spec.items():
        path, default = f"{prefix}{name}", usual.get(name) if isinstance(usual, dict) else None
        if isinstance(value, dict) and value and name != "model":
            found += _leaves(value, default or {}, f"{path}.")
        else:
            found.append({"path": path, "value": _shown(value), "usual": _shown(default), "differs": value != default})
    return found


def _shown(value: Any) -> str:
    if value in (None, "", [], {}):
        return MISSING
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _events(job: Job) -> dict[str, Any]:
    return {"events": job.transitions.select_related("user", "attempt").order_by("-number")[:500]}


CONTENT: dict[str, Callable[[Job], dict[str, Any]]] = {
    "checkpoints": _checkpoints,
    "attempts": _attempts,
    "artifacts": _artifacts,
    "config": _config,
    "events": _events,
}


def content(job: Job, name: str) -> dict[str, Any]:
    """What the template of the tab `name` needs."""
    return CONTENT[name](job)


def gone_sentence(job: Job) -> str:
    """What a removed job's address answers."""
    parts = {"name": str(job), "who": job.removed_by.username if job.removed_by else _("somebody")}
    return _("%(who)s removed %(name)s.") % parts
