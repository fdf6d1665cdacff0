"""What scores reveal, against counting by hand, and nothing where there are too few samples."""

import numpy as np
import pytest

from training.membership.likelihood import log_ratio
from training.membership.revealed import auc, found_at
from training.membership.scores import confidence
from training.shares import share


def test_the_area_is_the_share_of_pairs_in_which_the_member_scores_higher():
    members, others = np.array([3.0, 1.0, 2.0]), np.array([0.0, 2.0, 1.5])
    pairs = [1.0 if m > o else (0.5 if m == o else 0.0) for m in members for o in others]
    found = auc(members, others)
    assert found["value"] == pytest.approx(sum(pairs) / 9) and found["n"] == 3
    assert found["low"] < found["value"] < found["high"]


def test_equal_distributions_are_not_accused_and_the_interval_holds_one_half():
    chance = np.random.default_rng(5)
    found = auc(chance.normal(size=2000), chance.normal(size=2000))
    assert 0.45 < found["low"] < 0.5 < found["high"] < 0.55
    assert auc(np.ones(50), np.zeros(50))["value"] == 1.0


def test_a_rate_that_allows_fewer_than_five_non_members_is_not_measured():
    scores = np.arange(499.0)
    assert found_at(0.01, scores, scores)["not_measured"] == "too few samples: 499 non-members, 500 are needed"
    found = found_at(0.01, np.arange(500.0) + 100, np.arange(500.0))
    assert found["value"] == pytest.approx(105 / 500)  # five non-members lie above 494, and members above it count
    assert found["low"] < 0.21 < found["high"] and found["n"] == 500
    assert "5000 are needed" in found_at(0.001, scores, scores)["not_measured"]


def test_intervals_are_those_of_clopper_and_pearson():
    found = share(8, 20)
    assert (found["low"], found["high"]) == pytest.approx((0.1911901, 0.6394574), abs=1e-6)  # scipy's binomtest
    assert (share(0, 10)["low"], share(10, 10)["high"]) == (0.0, 1.0)
    assert share(0, 10)["high"] == pytest.approx(0.3084971, abs=1e-6)


def test_the_likelihood_ratio_finds_samples_that_were_learnt():
    chance = np.random.default_rng(1)
    learnt = chance.random((16, 400)) < 0.5
    hard = chance.normal(size=400) * 3  # some samples are harder than others, learnt or not
    said = hard + learnt * 2.0 + chance.normal(size=(16, 400)) * 0.5
    members = chance.random(400) < 0.5
    target = hard + members * 2.0 + chance.normal(size=400) * 0.5
    ratio = log_ratio(target, said, learnt)
    assert auc(ratio[members], ratio[~members])["value"] > 0.95
    assert auc(target[members], target[~members])["value"] < 0.8  # the plain loss does not see it so well


def test_confidence_rises_as_the_loss_falls_and_stays_finite():
    values = confidence(np.array([0.0, 1e-12, 0.5, 5.0, 1e9]))
    assert np.isfinite(values).all() and (np.diff(values) <= 0).all()
