import pytest

from training.pace import FACTS, REBALANCE_STEPS, WARM_UP_STEPS, Pace
from training.sampler import Sampler


def heard(numbers, samples, steps=REBALANCE_STEPS):
    pace = Pace(0, len(numbers))
    for _ in range(steps):
        pace.hear([number for rank in numbers for number in rank], samples, waited=0.0)
    return pace


def test_a_rank_of_half_the_speed_gets_a_third():
    pace = heard([(0, 0.032, 0), (0, 0.064, 0)], [64, 64])
    assert pace.better_shares([0.5, 0.5]) == pytest.approx([2 / 3, 1 / 3])


def test_shares_that_fit_stay():
    assert heard([(0, 0.030, 0), (0, 0.031, 0)], [64, 64]).better_shares([0.5, 0.5]) is None
    assert heard([(0, 0.032, 0), (0, 0.032, 0)], [86, 42]).better_shares([2 / 3, 1 / 3]) is None


def test_a_device_that_slows_down_is_given_less():
    pace = heard([(0, 0.032, 0), (0, 0.032, 0)], [64, 64])
    assert pace.better_shares([0.5, 0.5]) is None
    for _ in range(3 * REBALANCE_STEPS):
        pace.hear([0, 0.032, 0, 0, 0.096, 0], [64, 64], waited=0.0)
    assert pace.better_shares([0.5, 0.5]) == pytest.approx([0.75, 0.25], abs=0.01)


def test_a_rank_tells_its_own_numbers_and_zeros_for_the_others():
    pace = Pace(1, 3)
    pace.hear([0.0] * FACTS * 3, [1, 1, 1], waited=0.25)
    assert pace.tell(0.5, 0.125) == (0, 0, 0, 0.5, 0.125, 0.25, 0, 0, 0)


@pytest.mark.parametrize(
    "numbers, rank, cause",
    [
        ([(0.001, 0.010, 0.011), (0.001, 0.020, 0.001)], 1, "compute"),
        ([(0.030, 0.010, 0.001), (0.001, 0.010, 0.030)], 0, "data"),
        ([(0.001, 0.010, 0.050), (0.001, 0.010, 0.051)], -1, "exchange"),
    ],
)
def test_what_keeps_the_others_waiting_is_named_with_its_cause(numbers, rank, cause):
    slow = heard(numbers, [64, 64], 3 * WARM_UP_STEPS).slow()
    assert (slow.rank, slow.cause) == (rank, cause)


def test_equal_ranks_are_not_named():
    assert heard([(0.001, 0.010, 0.001), (0.001, 0.0105, 0.0005)], [64, 64], 3 * WARM_UP_STEPS).slow() is None


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
