import pytest

from training.pace import FACTS, WARM_UP_STEPS, Pace


def heard(numbers, samples, steps):
    pace = Pace(0, len(numbers))
    for _ in range(steps):
        pace.hear([number for rank in numbers for number in rank], samples, waited=0.0)
    return pace


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
