"""What a sweep is asked to do, checked once, and the choice of the next settings (through Optuna)."""

import warnings
from dataclasses import dataclass
from typing import Any

from contract.problems import Invalid, Problem, gettext_noop, unknown
from contract.spec import JobSpec
from contract.tasks import TASKS
from sweeps import space
from sweeps.models import Trial, TrialState
from sweeps.space import Setting

ALGORITHMS = ("grid", "random", "tpe", "asha")
GOALS = ("minimize", "maximize")
MOST_TRIALS = 10_000
ASK_FROM = 500
"""a grid of more combinations has to be confirmed"""
FIELDS = ("name", "base", "space", "algorithm", "metric", "goal", "trials", "parallel", "seed", "confirm")
RUNG, KEPT = 1, 3
"""of ASHA: a trial is looked at after 1, 3, 9, … evaluations, and the best third goes on"""


@dataclass(frozen=True)
class Plan:
    base: dict[str, Any]
    """a job spec, as a user sends it"""
    settings: list[Setting]
    algorithm: str
    metric: str
    goal: str
    trials: int
    parallel: int
    seed: int

    @classmethod
    def parse(cls, body: dict[str, Any]) -> "Plan":
        """The plan in `body`. Raises Invalid with every problem."""
        problems = [unknown(name, name, FIELDS) for name in body if name not in FIELDS]
        base = body.get("base")
        try:
            spec = JobSpec.parse(base)
        except Invalid as invalid:
            problems += [Problem(f"base.{p.path}".strip("."), p.sentence, p.params) for p in invalid.problems]
            raise Invalid(problems) from invalid
        settings, wrong = space.parse(body.get("space"), spec.to_json())
        problems += wrong
        facts = TASKS[spec.task]
        plan = cls(
            base=dict(base),  # type: ignore[arg-type]
            settings=settings,
            algorithm=body.get("algorithm", "tpe"),
            metric=body.get("metric", "eval/loss"),
            goal=body.get("goal", _goal(body.get("metric", "eval/loss"), facts.headline, facts.higher_is_better)),
            trials=body.get("trials", 0),
            parallel=body.get("parallel", 1),
            seed=body.get("seed", 0),
        )
        problems += plan._problems(bool(body.get("confirm")))
        if problems:
            raise Invalid(problems)
        return plan._counted()

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Plan":
        parts = dict(stored)
        settings = [space.setting_of(path, value) for path, value in parts.pop("space").items()]
        return cls(settings=settings, **parts)

    def to_json(self) -> dict[str, Any]:
        plain = {name: value for name, value in vars(self).items() if name != "settings"}
        return plain | {"space": {one.path: one.to_json() for one in self.settings}}

    def next_params(self, number: int, trials: list[Trial]) -> dict[str, Any]:
        """Settings of trial `number` (from 1), with what the trials so far have shown."""
        if self.algorithm == "grid":
            return space.grid(self.settings)[number - 1]
        study = self.study(trials, self.seed * MOST_TRIALS + number)
        chosen = study.ask({one.path: _distribution(one) for one in self.settings}).params
        return {one.path: _value(one, chosen[one.path]) for one in self.settings}

    def gives_up(self, trial: Trial, trials: list[Trial]) -> bool:
        """Whether ASHA stops this trial: at a rung, the best third of those that came so far goes on."""
        if self.algorithm != "asha" or not trial.looks:
            return False
        study = self.study(trials)
        frozen = study.get_trials(deepcopy=False)[[one.number for one in trials].index(trial.number)]
        stops = study.pruner.prune(study, frozen)
        trial.notes = dict(study.get_trials(deepcopy=True)[frozen.number].system_attrs)
        return stops

    def study(self, trials: list[Trial], seed: int = 0) -> Any:
        """An Optuna study that knows these trials."""
        import optuna  # half a second, and only sweeps need it

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that its parts are experimental
            random = optuna.samplers.RandomSampler(seed=seed)
            sampler = optuna.samplers.TPESampler(seed=seed, constant_liar=True) if self.algorithm == "tpe" else random
            pruner = optuna.pruners.SuccessiveHalvingPruner(min_resource=RUNG, reduction_factor=KEPT)
            study = optuna.create_study(
                sampler=sampler, pruner=pruner, direction=optuna.study.StudyDirection[self.goal.upper()]
            )
        for trial in trials:
            study.add_trial(self._frozen(trial))
        return study

    def _frozen(self, trial: Trial) -> Any:
        from optuna.trial import TrialState as State
        from optuna.trial import create_trial

        states = {
            TrialState.RUNNING: State.RUNNING,
            TrialState.COMPLETE: State.COMPLETE,
            TrialState.PRUNED: State.PRUNED,
            TrialState.FAILED: State.FAIL,
        }
        return create_trial(
            state=states[TrialState(trial.state)],
            value=trial.value if trial.state == TrialState.COMPLETE else None,
            params={one.path: _code(one, trial.params[one.path]) for one in self.settings},
            distributions={one.path: _distribution(one) for one in self.settings},
            intermediate_values={int(look): value for look, value in trial.looks.items()},
            system_attrs=trial.notes,
        )

    def _counted(self) -> "Plan":
        """With the number of trials that a grid has, or 20 where none was said."""
        if self.algorithm == "grid":
            return Plan(**vars(self) | {"trials": space.grid_size(self.settings)})
        return self if self.trials else Plan(**vars(self) | {"trials": 20})

    def _problems(self, confirmed: bool) -> list[Problem]:
        problems = []
        for name, known in (("algorithm", ALGORITHMS), ("goal", GOALS)):
            if getattr(self, name) not in known:
                problems.append(unknown(name, str(getattr(self, name)), known))
        for name, low, high in (("trials", 0, MOST_TRIALS), ("parallel", 1, 1024), ("seed", 0, 2**32 - 1)):
            value = getattr(self, name)
            if type(value) is not int or not low <= value <= high:
                sentence = gettext_noop("Expected a whole number from %(low)s to %(high)s.")
                problems.append(Problem(name, sentence, {"low": low, "high": high}))
        if not isinstance(self.metric, str) or not self.metric.startswith(("eval/", "train/")):
            problems.append(Problem("metric", gettext_noop("Expected the key of a metric, like 'eval/loss'.")))
        if self.algorithm == "grid" and self.settings:
            problems += self._grid_problems(confirmed)
        return problems

    def _grid_problems(self, confirmed: bool) -> list[Problem]:
        endless = [one for one in self.settings if not one.values()]
        if endless:
            sentence = gettext_noop("A grid needs 'choices', or a 'step' for the range.")
            return [Problem(f"space.{one.path}", sentence) for one in endless]
        size = space.grid_size(self.settings)
        if size > MOST_TRIALS:
            sentence = gettext_noop("The grid has %(size)s combinations; at most %(most)s are tried.")
            return [Problem("space", sentence, {"size": size, "most": MOST_TRIALS})]
        if size > ASK_FROM and not confirmed:
            sentence = gettext_noop("The grid has %(size)s combinations. Confirm that all of them are to be started.")
            return [Problem("confirm", sentence, {"size": size})]
        return []


def _goal(metric: Any, headline: str, higher_is_better: bool) -> str:
    if metric == f"eval/{headline}":
        return "maximize" if higher_is_better else "minimize"
    return "maximize" if isinstance(metric, str) and metric.endswith(("accuracy", "f1_macro", "map")) else "minimize"


def _distribution(setting: Setting) -> Any:
    from optuna import distributions

    if setting.choices:
        return distributions.CategoricalDistribution(range(len(setting.choices)))
    if setting.whole:
        step = 1 if setting.log else int(setting.step or 1)
        return distributions.IntDistribution(int(setting.low), int(setting.high), log=setting.log, step=step)
    return distributions.FloatDistribution(setting.low, setting.high, log=setting.log, step=setting.step)


def _value(setting: Setting, code: Any) -> Any:
    """A choice stands for its place in the list, as lists and objects cannot be chosen themselves."""
    return setting.choices[code] if setting.choices else code


def _code(setting: Setting, value: Any) -> Any:
    return setting.choices.index(value) if setting.choices else value
