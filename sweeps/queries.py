"""What REST and pages read of sweeps."""

from typing import Any

from django.db.models import QuerySet

from accounts.permissions import visible
from jobs.queries import iso
from sweeps.models import Sweep, Trial, TrialState
from sweeps.plan import Plan


def sweeps_of(actor: Any) -> QuerySet[Sweep]:
    return visible(actor, Sweep.objects.select_related("project", "owner")).order_by("-id")


def sweep_row(sweep: Sweep) -> dict[str, Any]:
    """A sweep as one line of a list."""
    trials = list(sweep.trials.all())
    best = best_of(sweep, trials)
    ended = [trial for trial in trials if trial.state != TrialState.RUNNING]
    return {
        "id": sweep.pk,
        "url": f"/sweeps/{sweep.pk}/",
        "name": sweep.name,
        "project": sweep.project.slug,
        "owner": sweep.owner.username,
        "state": sweep.state,
        "reason": sweep.reason,
        "algorithm": sweep.plan["algorithm"],
        "metric": sweep.plan["metric"],
        "goal": sweep.plan["goal"],
        "trials": sweep.plan["trials"],
        "started": len(trials),
        "ended": len(ended),
        "best": trial_json(best) if best else None,
        "created_at": iso(sweep.created_at),
        "ended_at": iso(sweep.ended_at),
    }


def sweep_json(sweep: Sweep) -> dict[str, Any]:
    """All of a sweep: its plan and every trial."""
    trials = sweep.trials.select_related("job")
    return sweep_row(sweep) | {"plan": sweep.plan, "jobs": [trial_json(trial) for trial in trials]}


def trial_json(trial: Trial) -> dict[str, Any]:
    return {
        "number": trial.number,
        "params": trial.params,
        "job": trial.job_id,
        "state": trial.state,
        "value": trial.value,
        "looks": len(trial.looks),
        "problem": trial.notes.get("problem", ""),
    }


def best_of(sweep: Sweep, trials: list[Trial]) -> Trial | None:
    """Of the trials that ran to their end."""
    done = [trial for trial in trials if trial.state == TrialState.COMPLETE and trial.value is not None]
    sign = -1 if Plan.from_json(sweep.plan).goal == "maximize" else 1
    return min(done, key=lambda trial: (sign * (trial.value or 0.0), trial.number), default=None)


def best_so_far(sweep: Sweep, trials: list[Trial]) -> list[tuple[int, float]]:
    """(trial, best value up to it), for the chart."""
    found: list[tuple[int, float]] = []
    choose = max if sweep.plan["goal"] == "maximize" else min
    for trial in trials:
        if trial.state == TrialState.COMPLETE and trial.value is not None:
            best = choose(found[-1][1], trial.value) if found else trial.value
            found.append((trial.number, best))
    return found
