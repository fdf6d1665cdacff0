"""A sweep from its start to its end: real jobs, whose devices are played by the test."""

from datetime import timedelta

import pytest

from contract.problems import Invalid
from jobs import clock, scheduling
from jobs.models import Job
from sweeps import driver, services
from sweeps.models import Sweep, SweepState, Trial, TrialState
from tests.jobs.factories import STEPS, bring_to_running, make_gang, make_owner, make_prepared, make_version

pytestmark = pytest.mark.django_db
SPACE = {"training.learning_rate": {"choices": [0.1, 0.01, 0.001]}}


@pytest.fixture
def owner():
    owner = make_owner()
    make_prepared(make_version(owner))
    return owner


@pytest.fixture
def agents():
    return make_gang(1)


def start(owner, **parts) -> Sweep:
    base = {"task": "image-classification", "dataset": "shapes", "model": {"source": "conv"}, "recipe": STEPS}
    body = {"base": base | {"devices": {"count": 1}}, "space": SPACE, "algorithm": "grid", **parts}
    return services.start(owner, body, via="api")


def play(agents, losses: list[float], outcome: str = "succeeded") -> Job:
    """The next waiting job is trained: it looks at its validation split once for each loss, then ends."""
    assert scheduling.round(clock.now()) == 1
    job = Job.objects.get(state="claimed")
    bring_to_running(job, *agents)
    for number, loss in enumerate(losses, 1):
        agents[0].tell(points={"eval/loss": [loss]}, first_step=number * 10)
    if outcome:
        agents[0].exit(outcome, "" if outcome == "succeeded" else "bad_data")
    job.refresh_from_db()
    return job


def tick(sweep: Sweep) -> Sweep:
    driver.tick(clock.now())
    return Sweep.objects.get(pk=sweep.pk)


def test_a_grid_tries_every_combination_and_finds_the_best(owner, agents):
    sweep = start(owner)
    for loss in (0.5, 0.2, 0.9):
        sweep = tick(sweep)
        assert Job.objects.filter(state="pending").count() == 1, "one at a time"
        play(agents, [loss])
    sweep = tick(sweep)

    assert sweep.state == SweepState.FINISHED and sweep.ended_at
    trials = list(sweep.trials.all())
    assert [trial.params["training.learning_rate"] for trial in trials] == [0.1, 0.01, 0.001]
    assert [trial.value for trial in trials] == [0.5, 0.2, 0.9]
    assert [trial.job.spec["training"]["learning_rate"] for trial in trials] == [0.1, 0.01, 0.001]
    assert trials[0].job.tags == [f"sweep-{sweep.pk}"]


def test_two_run_at_once_when_asked_for(owner):
    sweep = tick(start(owner, parallel=2))
    assert Job.objects.filter(state="pending").count() == 2
    assert tick(sweep).trials.count() == 2


def test_a_pause_starts_no_new_job_and_the_sweep_goes_on_after_it(owner, agents):
    sweep = tick(start(owner))
    services.pause(sweep, owner, via="api")
    play(agents, [0.5])
    sweep = tick(sweep)
    assert (sweep.trials.count(), sweep.trials.get().state) == (1, TrialState.COMPLETE)

    services.resume(sweep, owner, via="api")
    assert tick(sweep).trials.count() == 2
    with pytest.raises(services.Refused):
        services.resume(sweep, owner, via="api")


def test_a_stop_cancels_what_runs(owner, agents):
    sweep = tick(start(owner))
    services.stop(sweep, owner, via="api")
    assert Job.objects.get().state == "cancelled"
    sweep = tick(sweep)
    assert (sweep.state, sweep.trials.count()) == (SweepState.STOPPED, 1)


def test_a_sweep_whose_first_trials_all_fail_ends_with_their_reason(owner, agents):
    sweep = start(owner, space={"training.seed": {"choices": list(range(10))}})
    for _trial in range(driver.HOPELESS):
        tick(sweep)
        play(agents, [], outcome="failed")
    sweep = tick(sweep)
    assert (sweep.state, sweep.reason, sweep.trials.count()) == (SweepState.FAILED, "bad_data", driver.HOPELESS)


def test_asha_stops_a_poor_trial_at_its_first_rung(owner):
    agents = make_gang(1)
    sweep = start(owner, algorithm="asha", trials=5, seed=1)
    for loss in (0.1, 0.2, 0.3):
        tick(sweep)
        play(agents, [loss])
    tick(sweep)
    poor = play(agents, [9.0], outcome="")
    tick(sweep)

    poor.refresh_from_db()
    trial = Trial.objects.get(job=poor)
    assert (trial.state, trial.value) == (TrialState.PRUNED, 9.0)
    assert poor.state == "cancelling"


def test_tpe_learns_where_it_went_well(owner):
    """Of a smooth function, later trials are nearer to its best than those that were drawn blindly."""
    from sweeps.plan import Plan

    sweep = start(owner, algorithm="tpe", trials=40, space={"training.learning_rate": {"low": 0.0, "high": 1.0}})
    plan, trials = Plan.from_json(sweep.plan), []
    for number in range(1, 41):
        params = plan.next_params(number, trials)
        value = (params["training.learning_rate"] - 0.7) ** 2
        trials.append(Trial(sweep=sweep, number=number, params=params, value=value, state=TrialState.COMPLETE))
    first, last = trials[:10], trials[-10:]
    assert sum(trial.value for trial in last) < sum(trial.value for trial in first) / 4
    assert plan.next_params(5, trials[:4]) == trials[4].params, "the same history gives the same choice"


def test_an_extended_sweep_goes_on(owner, agents):
    sweep = start(owner, algorithm="random", trials=1)
    tick(sweep)
    play(agents, [0.5])
    assert tick(sweep).state == SweepState.FINISHED
    sweep.refresh_from_db()
    services.extend(sweep, 1, owner, via="api")
    assert tick(sweep).trials.count() == 2


@pytest.mark.parametrize(
    ("parts", "path"),
    [
        ({"algorithm": "magic"}, "algorithm"),
        ({"trials": -1}, "trials"),
        ({"parallel": 0}, "parallel"),
        ({"metric": "accuracy"}, "metric"),
        ({"space": {"training.learning_rate": {"low": 0.1, "high": 1.0}}}, "space.training.learning_rate"),
        (
            {
                "space": {
                    "training.seed": {"choices": list(range(30))},
                    "training.warmup_steps": {"choices": list(range(20))},
                }
            },
            "confirm",
        ),
        ({"space": {"training.learning_rate": {"choices": [0.1, 1000]}}}, "base.training.learning_rate"),
        ({"base": {"task": "image-classification"}}, "base.dataset"),
    ],
)
def test_bad_wishes_are_named_before_anything_starts(owner, parts, path):
    with pytest.raises(Invalid) as caught:
        start(owner, **parts)
    assert path in {problem.path for problem in caught.value.problems}
    assert not Sweep.objects.exists()


def test_a_sweep_that_breaks_does_not_stop_the_others(owner):
    broken = start(owner)
    Sweep.objects.filter(pk=broken.pk).update(plan={})
    sound = start(owner)
    driver.tick(clock.now() + timedelta(seconds=1))
    assert sound.trials.count() == 1
