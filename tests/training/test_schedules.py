import pytest
import torch

from training.schedules import Course, learning_rate


def rates(name: str, warmup: int = 0, total: int = 10, **more: float) -> list[float]:
    return [learning_rate(name, step, Course(2.0, warmup, total, more)) for step in range(1, total + 1)]


def test_constant_stays_and_needs_no_warmup():
    assert rates("constant", warmup=4) == [2.0] * 10


def test_linear_falls_to_one_step_before_nothing():
    assert rates("linear") == pytest.approx([2.0, 1.8, 1.6, 1.4, 1.2, 1.0, 0.8, 0.6, 0.4, 0.2])


def test_warmup_rises_from_nothing_as_in_transformers():
    assert rates("constant_with_warmup", warmup=4)[:6] == pytest.approx([0, 0.5, 1.0, 1.5, 2.0, 2.0])


def test_cosine_is_half_way_down_in_the_middle():
    assert rates("cosine", total=10)[5] == pytest.approx(1.0)
    assert rates("cosine", warmup=2, total=10)[2] == pytest.approx(2.0)


@pytest.mark.parametrize(
    "name, more",
    [
        ("linear", {}),
        ("cosine", {}),
        ("cosine_with_restarts", {"num_cycles": 3}),
        ("polynomial", {"power": 2.0, "lr_end": 0.01}),
        ("inverse_sqrt", {}),
        ("constant_with_warmup", {}),
    ],
)
def test_every_schedule_is_that_of_transformers(name, more):
    from transformers import get_scheduler

    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=2.0)
    theirs = get_scheduler(name, optimizer, num_warmup_steps=3, num_training_steps=20, scheduler_specific_kwargs=more)
    expected = []
    for _ in range(20):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        theirs.step()
    assert rates(name, warmup=3, total=20, **more) == pytest.approx(expected)


def test_a_step_past_the_end_has_the_last_rate():
    assert learning_rate("linear", 99, Course(1.0, 0, 10)) == 0.0
