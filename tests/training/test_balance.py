import pytest

from training.balance import PATIENCE, WINDOW_STEPS, Balance
from training.sampler import Sampler

SAMPLE_S = 0.001
"""of computing a sample on a whole core"""


class Ranks:
    """Two ranks that share batches of 128 as `balance` says; `busy_of` gives the seconds that each works."""

    def __init__(self, busy_of, shares=(0.5, 0.5)):
        self.balance, self.busy_of, self.shares = Balance(2), busy_of, list(shares)
        self.history: list[list[float]] = []

    def steps(self, number):
        for _ in range(number):
            counts = [round(128 * share) for share in self.shares]
            busy = self.busy_of(counts)
            self.balance.hear(busy, max(busy), counts)
            changed = self.balance.better(self.shares)
            if changed:
                self.shares = changed
                self.history.append(changed)
        return self.shares


def rate(*speeds):
    """Ranks that always need so many times SAMPLE_S for a sample."""
    return lambda counts: [count * SAMPLE_S * speed for count, speed in zip(counts, speeds, strict=True)]


def half_a_core(counts):
    """Rank 1 may use half of a core: at full speed as long as it rests as much as it works, else at half of it."""
    first, second = counts[0] * SAMPLE_S, counts[1] * SAMPLE_S
    return [first, second if 2 * second <= first else 2 * second]


def test_a_rank_of_half_the_speed_gets_a_third():
    assert Ranks(rate(1, 2)).steps(4 * WINDOW_STEPS) == pytest.approx([2 / 3, 1 / 3])


def test_ranks_that_are_nearly_alike_keep_even_shares():
    ranks = Ranks(rate(1, 1.04))
    ranks.steps(20 * WINDOW_STEPS)
    assert ranks.history == []


def test_a_rationed_rank_that_looks_fast_while_it_rests_is_not_believed():
    ranks = Ranks(half_a_core)
    ranks.steps(3 * WINDOW_STEPS)
    assert ranks.shares[1] < 0.34
    given = [ranks.steps(1)[1] for _ in range(100 * WINDOW_STEPS)]
    assert sum(share > 0.36 for share in given) < 0.1 * len(given), "it is tried now and then, and seldom"


def test_a_trial_that_did_not_shorten_the_steps_is_taken_back():
    """Rank 1 seems slow, but is no faster with less to do."""
    ranks = Ranks(lambda counts: [counts[0] * SAMPLE_S, 0.1])
    ranks.steps(10 * WINDOW_STEPS)
    assert ranks.history[1] == [0.5, 0.5]
    assert len(ranks.history) < 2 + PATIENCE


def test_a_device_that_slows_down_later_is_given_less_then():
    ranks = Ranks(rate(1, 1))
    assert ranks.steps(10 * WINDOW_STEPS) == [0.5, 0.5]
    ranks.busy_of = rate(1, 3)
    assert ranks.steps(4 * WINDOW_STEPS) == pytest.approx([0.75, 0.25], abs=0.01)
    ranks.busy_of = rate(1, 1)
    ranks.steps(20 * WINDOW_STEPS)
    assert ranks.shares == pytest.approx([0.5, 0.5], abs=0.04)


def test_unequal_parts_make_up_the_same_global_batches():
    def sampler(rank):
        made = Sampler(101, batch_size=8, rank=rank, world_size=3, seed=1)
        made.shares = [0.6, 0.3, 0.1]
        return made

    for step in range(1, 6):
        parts = [sampler(rank).part(step).tolist() for rank in range(3)]
        whole = Sampler(101, batch_size=24, rank=0, world_size=1, seed=1).part(step).tolist()
        assert [number for part in parts for number in part] == whole
        assert [len(part) for part in parts] == sampler(0).counts(step)
    assert sampler(0).counts(1) == [14, 8, 2]
