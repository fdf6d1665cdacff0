"""A sweep goes on: what its jobs have shown is noted, poor ones are stopped, free places get the next settings."""

import logging
from datetime import datetime

from django.db import transaction

from accounts.models import User
from contract.problems import Invalid
from jobs import services
from jobs.metrics import read
from jobs.metrics.points import from_json
from jobs.models import Job
from jobs.states import ENDED, JobState
from sweeps import space
from sweeps.models import OPEN, Sweep, SweepState, Trial, TrialState
from sweeps.plan import Plan

log = logging.getLogger(__name__)
HOPELESS = 3
"""so many trials that failed, and none that did not: the sweep ends"""


def tick(now: datetime) -> None:
    """One look at every sweep that has not ended. Asked by control's tick; two at once change nothing twice."""
    for number in list(Sweep.objects.filter(state__in=OPEN).values_list("pk", flat=True)):
        try:
            go_on(number, now)
        except Exception:  # one sweep must not stop the beat that drives every job
            log.exception("sweep %s could not go on", number)


@transaction.atomic
def go_on(number: int, now: datetime) -> None:
    sweep = Sweep.objects.select_for_update().select_related("owner", "project").get(pk=number)
    plan = Plan.from_json(sweep.plan)
    trials = list(sweep.trials.select_related("job"))
    for trial in trials:
        if trial.state == TrialState.RUNNING:
            _look(trial, trials, plan, sweep.owner)
    if sweep.state != SweepState.RUNNING or _has_failed(sweep, trials, now):
        return
    running = sum(trial.state == TrialState.RUNNING for trial in trials)
    while running < plan.parallel and len(trials) < plan.trials:
        trials.append(_start(sweep, plan, trials))
        running += trials[-1].state == TrialState.RUNNING
    if not running and len(trials) >= plan.trials:
        _end(sweep, SweepState.FINISHED, now)


def _look(trial: Trial, trials: list[Trial], plan: Plan, owner: User) -> None:
    """Note what its job has shown by now."""
    job = trial.job
    assert job is not None  # noqa: S101 - only a trial that could not be submitted has none, and that one has failed
    before = (trial.looks, trial.state)
    trial.looks = _values(job, plan.metric)
    stored = job.summary.get(plan.metric)
    value = from_json(stored) if stored is not None else None
    # asked once a look, of those that have ended too: others are held against their rungs
    poor = trial.looks != before[0] and plan.gives_up(trial, trials)
    if job.state == JobState.SUCCEEDED and value is not None and value == value:
        trial.state, trial.value = TrialState.COMPLETE, value
    elif job.state in ENDED:
        trial.state = TrialState.FAILED
    elif poor:
        trial.state, trial.value = TrialState.PRUNED, value
        services.cancel(job, owner, via="system")
    if (trial.looks, trial.state) != before:
        trial.save(update_fields=["looks", "state", "value", "notes"])


def _values(job: Job, key: str) -> dict[str, float]:
    """{1, 2, …: value} of each look at the validation split so far, on the first rank."""
    if not key.startswith("eval/"):
        return {}
    points = read.whole(job.pk, 0, key)
    return {str(number): float(value) for number, value in enumerate(points.values.tolist(), 1) if value == value}


def _start(sweep: Sweep, plan: Plan, trials: list[Trial]) -> Trial:
    """The next settings as a job. Settings that make no valid spec are a trial that failed."""
    number = len(trials) + 1
    params = plan.next_params(number, trials)
    body = space.applied(plan.base, params) | {"name": f"{sweep.name} · {number}"[:120]}
    body["tags"] = [*plan.base.get("tags", []), f"sweep-{sweep.pk}"]
    trial = Trial(sweep=sweep, number=number, params=params)
    try:
        trial.job = services.submit(sweep.owner, body, via="system", project=sweep.project)
    except Invalid as invalid:
        trial.state, trial.notes = TrialState.FAILED, {"problem": str(invalid)[:400]}
    trial.save(force_insert=True)
    return trial


def _has_failed(sweep: Sweep, trials: list[Trial], now: datetime) -> bool:
    failed = [trial for trial in trials if trial.state == TrialState.FAILED]
    if len(failed) < HOPELESS or len(failed) < len(trials):
        return False
    last = failed[-1]
    sweep.reason = last.job.end_reason if last.job else last.notes.get("problem", "")
    _end(sweep, SweepState.FAILED, now)
    return True


def _end(sweep: Sweep, state: SweepState, now: datetime) -> None:
    sweep.state, sweep.ended_at = state, now
    sweep.save(update_fields=["state", "ended_at", "reason"])
