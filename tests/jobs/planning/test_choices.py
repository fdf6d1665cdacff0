"""The planner's arithmetic, without a database."""

import pytest

from jobs.planning.choices import propose
from jobs.planning.costs import Machine, Way, Work, cost, exchange_seconds, fitting_batch, needed_bytes

FAST = Machine("fast", "lab", 0.001, 8 * 2**30)
ALSO_FAST = Machine("also-fast", "lab", 0.001, 8 * 2**30)
SLOW = Machine("slow", "lab", 0.004, 8 * 2**30)
AWAY = Machine("away", "attic", 0.001, 8 * 2**30)
WORK = Work(samples=6400, batch=64, epochs=2, parameters=100_000, evaluated_sample_seconds=0.0003, test_samples=1000)


def ways(proposal):
    return {(each.way.strategy, each.way.shares, *each.way.slugs) for each in proposal.choices}


def test_the_parts_of_a_job_add_up():
    found = cost(WORK, Way("ddp", (FAST, ALSO_FAST)))
    assert found.steps == 100
    assert found.parts["train"] == pytest.approx(100 * (0.064 + found.exchange_seconds))
    assert found.parts["evaluate"] == pytest.approx(0.3)
    assert found.seconds == pytest.approx(sum(found.parts.values()))


def test_looks_at_the_validation_split_are_shared_among_ranks():
    looked_at = Work(**{**vars(WORK), "evaluations_per_step": 0.02, "validation_samples": 1000})
    way = Way("ddp", (FAST, ALSO_FAST))
    assert cost(looked_at, way).parts["train"] - cost(WORK, way).parts["train"] == pytest.approx(2 * 0.15)


def test_the_slowest_device_sets_the_pace_unless_shares_follow_speed():
    even = cost(WORK, Way("ddp", (FAST, SLOW)))
    measured = cost(WORK, Way("ddp", (FAST, SLOW), "measured"))
    assert even.step_seconds == pytest.approx(64 * 0.004, rel=0.01)
    assert measured.step_seconds == pytest.approx(128 / 1250, rel=0.01)


def test_more_equal_devices_are_proposed_where_they_save_time():
    proposal = propose(WORK, Way("ddp", (FAST,)), [FAST, ALSO_FAST], {})
    assert proposal.best.way.slugs == ["fast", "also-fast"]
    assert proposal.best.cost.seconds < 0.6 * proposal.asked.cost.seconds + WORK.start_seconds + WORK.export_seconds


def test_a_device_that_holds_the_others_up_is_named_with_what_it_costs():
    proposal = propose(WORK, Way("ddp", (FAST, ALSO_FAST, SLOW)), [FAST, ALSO_FAST, SLOW], {})
    (burden,) = proposal.burdens
    assert burden.slug == "slow" and 0.5 < burden.costs < 2
    assert "slow" not in proposal.best.way.slugs or proposal.best.way.shares == "measured"


def test_unequal_devices_are_offered_shares_by_speed():
    half = Machine("half", "lab", 0.002, 8 * 2**30)
    proposal = propose(WORK, Way("ddp", (FAST, half)), [FAST, half], {})
    assert ("ddp", "measured", "fast", "half") in ways(proposal)
    assert proposal.best.way.shares == "measured"


def test_equal_devices_keep_even_shares():
    assert propose(WORK, Way("ddp", (FAST, ALSO_FAST)), [FAST, ALSO_FAST], {}).best.way.shares == "even"


def test_a_model_that_does_not_fit_is_cut():
    large = Work(**{**vars(WORK), "parameters": 500_000_000, "peak_bytes": 9 * 2**30, "batch_bytes": 2**29})
    proposal = propose(large, Way("ddp", (FAST, ALSO_FAST)), [FAST, ALSO_FAST], {})
    assert not proposal.asked.cost.fits
    assert proposal.best.way.strategy == "fsdp" and proposal.best.cost.fits
    assert needed_bytes(large, proposal.best.way) < needed_bytes(large, proposal.asked.way)


def test_across_a_slow_network_ranks_are_told_to_meet_seldom():
    wide = Work(**{**vars(WORK), "parameters": 20_000_000})
    way = Way("ddp", (FAST, AWAY))
    assert exchange_seconds(wide, way) > 0.5
    assert propose(wide, Way("ddp", (FAST, AWAY)), [FAST, AWAY], {}).best.way != way


def test_a_larger_batch_is_proposed_when_it_takes_clearly_less_time_a_sample():
    paces = {32: {"fast": 0.0016}, 64: {"fast": 0.001}, 128: {"fast": 0.0007}}
    assert propose(WORK, Way("ddp", (FAST,)), [FAST], paces).batch == 128
    nearly = {64: {"fast": 0.001}, 128: {"fast": 0.00098}}
    assert propose(WORK, Way("ddp", (FAST,)), [FAST], nearly).batch == 0


def test_the_batch_that_fits_is_a_power_of_two():
    tight = Work(**{**vars(WORK), "peak_bytes": 5 * 2**30, "batch_bytes": 4 * 2**30})
    assert fitting_batch(tight, 4 * 2**30) == 32
    assert fitting_batch(tight, 2**30) == 0
    assert fitting_batch(WORK, 2**30) == 0, "nothing is known of its memory"


def test_only_sensible_ways_are_listed():
    """Equal devices, memory enough and a cheap exchange: neither shares by speed nor local SGD nor cut weights."""
    proposal = propose(WORK, Way("ddp", (FAST, ALSO_FAST)), [FAST, ALSO_FAST], {})
    assert ways(proposal) == {("ddp", "even", "fast"), ("ddp", "even", "fast", "also-fast")}
