"""What people ask of sweeps: start, pause, go on, extend, stop."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts import project as projects
from accounts.models import User
from accounts.permissions import require
from contract.problems import Invalid, Problem, gettext_noop
from jobs import clock
from jobs import services as jobs
from jobs.services import Refused
from jobs.services.submitting import check
from jobs.states import ENDED
from sweeps import space
from sweeps.models import OPEN, Sweep, SweepState, TrialState
from sweeps.plan import MOST_TRIALS, Plan


@transaction.atomic
def start(owner: User, body: dict[str, Any], *, via: str, address: str | None = None) -> Sweep:
    """Begin a sweep. The base has to be valid with every choice and at both ends of every range. Raises Invalid."""
    plan = Plan.parse(body)
    project = projects.current(owner)
    require(owner, "run", project)
    problems = _problems_of_edges(owner, plan)
    name = body.get("name") or plan.base.get("name") or "sweep"
    if not isinstance(name, str) or len(name) > 100:
        problems.append(Problem("name", gettext_noop("At most %(most)s characters."), {"most": 100}))
    if problems:
        raise Invalid(problems)
    sweep = Sweep.objects.create(project=project, owner=owner, name=name, plan=plan.to_json())
    audit.record(owner, "submitted", sweep, via=via, after={"name": name, "trials": plan.trials}, address=address)
    return sweep


@transaction.atomic
def pause(sweep: Sweep, actor: User, *, via: str, address: str | None = None) -> None:
    """No new job is started; those that run go on."""
    _change(sweep, [SweepState.RUNNING], SweepState.PAUSED, "paused", actor, via, address)


@transaction.atomic
def resume(sweep: Sweep, actor: User, *, via: str, address: str | None = None) -> None:
    _change(sweep, [SweepState.PAUSED], SweepState.RUNNING, "resumed", actor, via, address)


@transaction.atomic
def stop(sweep: Sweep, actor: User, *, via: str, address: str | None = None) -> None:
    """End it, and cancel its jobs that have not ended."""
    _change(sweep, OPEN, SweepState.STOPPED, "cancelled", actor, via, address)
    Sweep.objects.filter(pk=sweep.pk).update(ended_at=clock.now())
    for trial in sweep.trials.filter(state=TrialState.RUNNING).select_related("job"):
        if trial.job and trial.job.state not in ENDED:
            jobs.cancel(trial.job, actor, via=via, address=address)
        trial.state = TrialState.FAILED
        trial.save(update_fields=["state"])


@transaction.atomic
def extend(sweep: Sweep, more: Any, actor: User, *, via: str, address: str | None = None) -> None:
    """So many trials more; a sweep that has finished goes on. Raises Invalid."""
    plan = Plan.from_json(sweep.plan)
    if plan.algorithm == "grid":
        raise Refused(_("A grid has as many trials as it has combinations."))
    if type(more) is not int or not 1 <= more <= MOST_TRIALS - plan.trials:
        sentence = gettext_noop("Expected a whole number from %(low)s to %(high)s.")
        raise Invalid([Problem("trials", sentence, {"low": 1, "high": MOST_TRIALS - plan.trials})])
    sweep.plan = sweep.plan | {"trials": plan.trials + more}
    sweep.save(update_fields=["plan"])
    states = [SweepState.RUNNING, SweepState.PAUSED, SweepState.FINISHED]
    _change(sweep, states, SweepState.RUNNING, "extended", actor, via, address)
    Sweep.objects.filter(pk=sweep.pk).update(ended_at=None)


def _change(sweep: Sweep, only_from: Any, to: SweepState, verb: str, actor: User, via: str, address) -> None:
    before = sweep.state
    if not Sweep.objects.filter(pk=sweep.pk, state__in=only_from).update(state=to):
        raise Refused(_("The sweep is %(state)s.") % {"state": sweep.get_state_display().lower()})
    sweep.refresh_from_db()
    audit.record(actor, verb, sweep, via=via, before={"state": before}, after={"state": to}, address=address)


def _problems_of_edges(owner: User, plan: Plan) -> list[Problem]:
    """What a job would be refused for, with each setting at its edges and the others at their first."""
    first = {one.path: one.edges()[0] for one in plan.settings}
    found: dict[tuple[str, str], Problem] = {}
    for one in plan.settings:
        for value in one.edges():
            try:
                check(owner, space.applied(plan.base, first | {one.path: value}))
            except Invalid as invalid:
                for problem in invalid.problems:
                    found.setdefault((problem.path, problem.sentence), problem)
    return [Problem(f"base.{problem.path}", problem.sentence, problem.params) for problem in found.values()]
