"""What is spent: held against a second accountant, and against what was asked for."""

import itertools

import pytest
from opacus.accountants import PRVAccountant, RDPAccountant

from training.privacy.accounting import epsilon_after, last_step_within, milestones, noise_within

DELTA = 1e-5
SETTINGS = list(itertools.product((1.0, 2.0, 4.0, 8.0, 12.0), (0.05, 0.3), (5, 25)))


def test_epsilon_stays_below_the_bound_of_another_accountant_and_rises_with_every_step_taken():
    assert len(SETTINGS) >= 20
    for noise, rate in sorted({(noise, rate) for noise, rate, _ in SETTINGS}):
        spent = []
        for steps in sorted({steps for _, _, steps in SETTINGS}):
            other = RDPAccountant()
            other.history = [(noise, rate, steps)]
            spent.append(epsilon_after(steps, noise=noise, rate=rate, delta=DELTA))
            assert 0 < spent[-1] <= other.get_epsilon(DELTA), (noise, rate, steps)
        assert spent == sorted(spent) and len(set(spent)) == len(spent)


def test_nothing_is_spent_before_the_first_step():
    assert epsilon_after(0, noise=1.0, rate=0.1, delta=DELTA) == 0.0


def test_the_noise_that_is_chosen_uses_the_budget_and_never_more():
    noise = noise_within(1.0, steps=50, rate=0.1, delta=DELTA)
    assert 0.97 < epsilon_after(50, noise=noise, rate=0.1, delta=DELTA) <= 1.0


def test_the_last_step_is_the_last_that_fits():
    settings = {"noise": 2.0, "rate": 0.2, "delta": DELTA}
    last = last_step_within(2.0, steps=40, **settings)
    assert 0 < last < 40
    assert epsilon_after(last, **settings) <= 2.0 < epsilon_after(last + 1, **settings)
    assert last_step_within(0.01, steps=2, **settings) == 0


def test_what_is_drawn_is_what_the_accountant_says_of_each_step():
    drawn = milestones(90, noise=1.3, rate=0.15, delta=DELTA)
    assert [step for step, _ in drawn][-1] == 90 and len(drawn) == 20
    for step, epsilon in drawn[9::10]:
        accountant = PRVAccountant()
        accountant.history = [(1.3, 0.15, step)]
        assert epsilon == pytest.approx(accountant.get_epsilon(DELTA), rel=2e-3)
