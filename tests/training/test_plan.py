from tests.training.factories import spec
from training.plan import Plan
from training.sampler import Sampler


def plan(samples=100, validates=True, **training):
    sampler = Sampler(samples, batch_size=10, rank=0, world_size=1, seed=0)
    return Plan.of(spec(training=training)["training"], sampler, validates=validates)


def test_steps_come_from_epochs_unless_they_are_given():
    assert plan(num_train_epochs=3).total_steps == 30
    assert plan(num_train_epochs=0.25).total_steps == 3
    assert plan(num_train_epochs=3, max_steps=7).total_steps == 7


def test_evaluations_come_once_an_epoch_or_as_asked_and_at_least_once():
    assert [step for step in range(1, 31) if plan(num_train_epochs=3).evaluates(step)] == [10, 20, 30]
    assert plan(eval_steps=4).eval_every == 4
    assert plan(max_steps=5).eval_every == 5
    assert not any(plan(validates=False).evaluates(step) for step in range(1, 31))


def test_the_last_step_is_saved_and_others_by_wish():
    assert [step for step in range(1, 31) if plan(num_train_epochs=3).must_save(step)] == [30]
    assert [step for step in range(1, 31) if plan(num_train_epochs=3, save_steps=12).must_save(step)] == [12, 24, 30]
    assert [step for step in range(1, 31) if plan(num_train_epochs=3).may_save(step)] == [10, 20, 30]


def test_cadences_name_every_key():
    cadences = plan(logging_steps=2).cadences(("train/loss",), ("loss", "accuracy"))
    assert cadences == {"train/loss": 2, "eval/loss": 10, "eval/accuracy": 10}
