"""The four stages of a job as a stepper: what is done, what it proved on every device, what comes next."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from config.formats import duration, metric, short_hash, size, whole
from jobs import task_metrics
from jobs.models import Attempt, Job
from jobs.states import ENDED, JobState

STAGES = (
    ("preprocess", gettext_lazy("Preprocess")),
    ("compile", gettext_lazy("Compile")),
    ("fine_tune", gettext_lazy("Fine-tune")),
    ("evaluate", gettext_lazy("Evaluate")),
)
PROVING = {"preprocess": "data_hash", "compile": "graph_hash", "fine_tune": "weights_hash"}
"""what must be the same on every device after a stage"""

Proofs = Mapping[str, dict[str, Any]]
"""{rank: what it proved}"""


def of(job: Job, attempt: Attempt | None) -> list[dict[str, Any]]:
    """Steps for `components/stage_stepper.html`."""
    world_size = attempt.world_size if attempt else 0
    complete = [_is_complete(job, key, world_size) for key, _label in STAGES]
    return [_stage(job, attempt, index, complete) for index in range(len(STAGES))]


def _is_complete(job: Job, key: str, world_size: int) -> bool:
    return job.state == JobState.SUCCEEDED or (bool(world_size) and len(job.proofs.get(key, {})) >= world_size)


def _stage(job: Job, attempt: Attempt | None, index: int, complete: list[bool]) -> dict[str, Any]:
    key, label = STAGES[index]
    proofs = job.proofs.get(key, {})
    step = _step(job, attempt, index, complete)
    return {
        "key": key,
        "label": label,
        "step": step,
        "detail": _detail(job, attempt, key, step, proofs),
        "proof": _proof(job, key, proofs) if proofs else "",
        "devices": _by_device(attempt, key, proofs),
    }


def _step(job: Job, attempt: Attempt | None, index: int, complete: list[bool]) -> str:
    if complete[index]:
        return "done"
    is_reached = attempt is not None and all(complete[:index])
    if job.state in ENDED:
        return "failed" if is_reached and job.state == JobState.FAILED else "skipped"
    return "now" if is_reached and job.state != JobState.PENDING else "next"


def _detail(job: Job, attempt: Attempt | None, key: str, step: str, proofs: Proofs) -> str:
    if step == "skipped":
        return _("Not reached")
    if key == "fine_tune" and job.step and job.total_steps:
        parts = {"step": whole(job.step), "total": whole(job.total_steps)}
        return _("Step %(step)s of %(total)s") % parts
    if step == "now" and attempt is not None:
        counts = {"done": len(proofs), "all": attempt.world_size}
        return _("%(done)s of %(all)s devices") % counts
    slowest = max((facts.get("seconds", 0.0) for facts in proofs.values()), default=0.0)
    return duration(slowest) if slowest else ""


def _proof(job: Job, key: str, proofs: Proofs) -> str:
    if key == "evaluate":
        return _evaluation_proof(job, proofs)
    found = [facts.get(PROVING[key], "") for facts in proofs.values()]
    if not all(found):
        return ""
    if len(set(found)) > 1:
        return _("Differs: %(hashes)s") % {"hashes": " ≠ ".join(short_hash(value) for value in dict.fromkeys(found))}
    parts = {"hash": short_hash(found[0]), "count": len(found)}
    if key == "preprocess":
        text = ngettext("Data %(hash)s on %(count)s device", "Same data %(hash)s on %(count)s devices", len(found))
    elif key == "compile":
        text = ngettext("Model %(hash)s on %(count)s device", "Same model %(hash)s on %(count)s devices", len(found))
    else:
        text = ngettext(
            "Weights %(hash)s on %(count)s device", "Same weights %(hash)s on %(count)s devices", len(found)
        )
    return text % parts


def _evaluation_proof(job: Job, proofs: Proofs) -> str:
    measured = [facts.get("metrics", {}) for facts in proofs.values()]
    name = next((name for name in task_metrics.by_weight(job) if all(name in metrics for metrics in measured)), "")
    if not name:
        return ""
    values = {metrics[name] for metrics in measured}
    parts = {"metric": task_metrics.name_of(name), "value": metric(measured[0][name], name), "count": len(measured)}
    if len(values) > 1:
        lowest, highest = metric(min(values), name), metric(max(values), name)
        return _("%(metric)s %(low)s to %(high)s: not the same") % (parts | {"low": lowest, "high": highest})
    return (
        ngettext(
            "%(metric)s %(value)s on %(count)s device",
            "%(metric)s %(value)s, equal on %(count)s devices",
            len(measured),
        )
        % parts
    )


def _by_device(attempt: Attempt | None, key: str, proofs: Proofs) -> list[dict[str, Any]]:
    """Per device: its whole hash (or metrics), what it held of the model, and the time it took."""
    if attempt is None:
        return []
    rows = []
    for rank in attempt.ranks.all():
        facts = proofs.get(str(rank.rank))
        if facts is not None:
            value = facts.get(PROVING.get(key, ""), "")
            row = {"device": rank.device, "hash": value, "seconds": facts.get("seconds"), "held": _held(facts)}
            rows.append(row)
    return rows


def _held(facts: dict[str, Any]) -> str:
    """Of the model while it trained, and the most memory that this took; "" for other stages."""
    if "peak_memory_bytes" not in facts:
        return ""
    parts = {"parameters": whole(facts["parameters"]), "memory": size(facts["peak_memory_bytes"])}
    parts["traffic"] = size(facts.get("bytes_per_step", 0))
    if facts.get("bytes_per_step"):
        text = _("%(parameters)s parameters, at most %(memory)s of memory, %(traffic)s given to the exchange a step")
        return text % parts
    return _("%(parameters)s parameters, at most %(memory)s of memory") % parts
