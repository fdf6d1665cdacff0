import pytest

from training.schedules import learning_rate


def rates(name: str, warmup: int = 0, total: int = 10) -> list[float]:
    steps = range(1, total + 1)
    return [learning_rate(name, step, base=2.0, warmup_steps=warmup, total_steps=total) for step in steps]


def test_constant_stays_and_needs_no_warmup():
    assert rates("constant", warmup=4) == [2.0] * 10


def test_linear_falls_to_one_step_before_nothing():
    assert rates("linear") == pytest.approx([2.0, 1.8, 1.6, 1.4, 1.2, 1.0, 0.8, 0.6, 0.4, 0.2])


def test_warmup_rises_from_nothing_as_in_transformers():
    assert rates("constant_with_warmup", warmup=4)[:6] == pytest.approx([0, 0.5, 1.0, 1.5, 2.0, 2.0])


def test_cosine_is_half_way_down_in_the_middle():
    assert rates("cosine", total=10)[5] == pytest.approx(1.0)
    assert rates("cosine", warmup=2, total=10)[2] == pytest.approx(2.0)


def test_a_step_past_the_end_has_the_last_rate():
    assert learning_rate("linear", 99, base=1.0, warmup_steps=0, total_steps=10) == 0.0
