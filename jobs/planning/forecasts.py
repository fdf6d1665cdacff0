"""What was predicted of a job, kept when it is submitted, and held against what came when it has succeeded."""

import statistics
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from config.formats import percent
from contract.spec import JobSpec
from contract.spec_parallel import WHOLE_MODEL
from jobs.models import Attempt, Forecast, Job, Rank
from jobs.planning import knowledge, plan

COMPARED = 10
"""newest jobs whose predictions tell how good they are"""
PARTS = ("start", "prepare", "train", "evaluate", "export")


def keep(job: Job, spec: JobSpec) -> None:
    """Predict `job` as far as this fleet knows work like it. Called where it is submitted."""
    own, kin = knowledge.likeness(job.spec, job.spec["recipe"], job.version_id)
    found = plan.of(spec, job.version, job.spec["recipe"])
    predicted = _predicted(found) if found.proposal else {}
    basis = found.known.basis if found.proposal else ""
    Forecast.objects.create(job=job, likeness=own, kinship=kin, basis=basis, predicted=predicted)


def close(job: Job, attempt: Attempt, now: datetime) -> None:
    """Note what it took. A job that needed several attempts teaches nothing about time. Called in the transaction in
    which it succeeds."""
    forecast = Forecast.objects.filter(job_id=job.pk).first()
    started = Job.objects.values_list("started_at", flat=True).get(pk=job.pk)
    if forecast is None or attempt.number > 1 or started is None:
        return
    ranks = list(attempt.ranks.select_related("device__host"))
    if all("working_seconds" in rank.proofs.get("fine_tune", {}) for rank in ranks):
        forecast.real = _real(job, attempt, ranks, started, now) | {"prepare": _prepared(job, forecast)}
        forecast.save(update_fields=["real"])


def to_json(job: Job) -> dict[str, Any] | None:
    """For REST; None of a job from before there were forecasts."""
    forecast = of(job)
    if forecast is None:
        return None
    predicted, real = forecast.predicted, forecast.real
    return {
        "basis": forecast.basis,
        "predicted_seconds": total(predicted) if predicted else None,
        "shortest_seconds": predicted.get("shortest"),
        "longest_seconds": predicted.get("longest"),
        "predicted": {name: predicted[name] for name in PARTS} if predicted else {},
        "real_seconds": total(real) if real else None,
        "real": {name: real[name] for name in PARTS} if real else {},
        "error": error(forecast),
    }


def card(job: Job) -> dict[str, Any] | None:
    """Predicted against real, part by part, for the job's page; None where nothing was predicted."""
    forecast = of(job)
    if forecast is None or not forecast.predicted:
        return None
    usual, compared = median_error()
    labels = {
        "start": _("Start"),
        "prepare": _("Prepare data"),
        "train": _("Train"),
        "evaluate": _("Evaluate"),
        "export": _("Export"),
    }
    rows = [
        {"label": labels[name], "predicted": forecast.predicted[name], "real": forecast.real.get(name)}
        for name in PARTS
        if forecast.predicted[name] or forecast.real.get(name)
    ]
    return {
        "rows": rows,
        "predicted": total(forecast.predicted),
        "real": total(forecast.real) if forecast.real else None,
        "shortest": forecast.predicted["shortest"],
        "longest": forecast.predicted["longest"],
        "verdict": _verdict(error(forecast)),
        "usual": usual,
        "compared": compared,
    }


def _verdict(off: float | None) -> str:
    if off is None:
        return ""
    facts = {"share": percent(abs(off))}
    return (_("It took %(share)s longer than predicted.") if off > 0 else _("It took %(share)s less.")) % facts


def of(job: Job) -> Forecast | None:
    return getattr(job, "forecast", None)


def error(forecast: Forecast) -> float | None:
    """How far off the whole time was: 0.2 = it took 20 % longer than predicted."""
    if not forecast.predicted or not forecast.real:
        return None
    return total(forecast.real) / total(forecast.predicted) - 1


def total(parts: dict[str, Any]) -> float:
    """Seconds of a job by its parts."""
    return sum(parts[name] for name in PARTS)


def median_error(most: int = COMPARED) -> tuple[float | None, int]:
    """Of the newest predictions that have come true or not, without sign; and of how many."""
    rows = Forecast.objects.exclude(real={}).exclude(predicted={}).order_by("-pk")[:most]
    errors = [abs(each) for row in rows if (each := error(row)) is not None]
    return (statistics.median(errors) if errors else None), len(errors)


def _predicted(found: plan.Plan) -> dict[str, Any]:
    asked = found.proposal.asked if found.proposal else None
    if asked is None:
        return {}
    rounded = {name: round(seconds, 3) for name, seconds in asked.cost.parts.items()}
    more = {"correction": found.known.correction, "steps": asked.cost.steps, "devices": asked.way.slugs}
    return rounded | {"shortest": round(found.shortest, 3), "longest": round(found.longest, 3)} | more


def _real(job: Job, attempt: Attempt, ranks: list[Rank], started: datetime, now: datetime) -> dict[str, Any]:
    facts = [rank.proofs["fine_tune"] for rank in ranks]
    train = max(each["seconds"] for each in facts)
    looked = [rank.proofs.get("evaluate", {}) for rank in ranks]
    evaluate = max((each.get("seconds", 0.0) for each in looked), default=0.0)
    samples = max((each.get("samples", 0) for each in looked), default=0)
    whole = (now - attempt.created_at).total_seconds()
    start = max(0.0, (started - attempt.created_at).total_seconds())
    return {
        "start": start,
        "train": train,
        "evaluate": evaluate,
        "export": max(0.0, whole - start - train - evaluate),
        "formats": job.spec["export"]["formats"],
        "paces": _paces(job, ranks),
        "parameters": max(rank.proofs.get("compile", {}).get("parameters", 0) for rank in ranks),
        "peak_bytes": max(each["peak_memory_bytes"] for each in facts),
        "evaluated_sample_seconds": evaluate / samples if samples else 0.0,
        "link_bytes_per_s": _link(ranks),
    }


def _paces(job: Job, ranks: list[Rank]) -> dict[str, float]:
    """Seconds a sample of each device: only where ranks work apart do their seconds tell them apart."""
    if job.spec["parallel"]["strategy"] not in WHOLE_MODEL:
        return {}
    return {
        rank.device.slug: facts["working_seconds"] / facts["own_samples"]
        for rank in ranks
        if (facts := rank.proofs["fine_tune"])["own_samples"]
    }


def _link(ranks: list[Rank]) -> float:
    """What the exchange of the rank that waited least moved in a second, where it crossed hosts."""
    facts = [rank.proofs["fine_tune"] for rank in ranks]
    waited = min(each["waiting_seconds"] for each in facts)
    if len({rank.device.host_id for rank in ranks}) < 2 or not waited:
        return 0.0
    return facts[0]["bytes_per_step"] * facts[0]["counted_steps"] / waited


def _prepared(job: Job, forecast: Forecast) -> float:
    """Seconds of preparing, where it was predicted that this would be needed."""
    return job.prepared.seconds if forecast.predicted.get("prepare") else 0.0
