import math

import pytest
import torch

from training.sampler import Sampler


def samplers(samples: int, world_size: int, batch_size: int, **more) -> list[Sampler]:
    return [
        Sampler(samples, batch_size=batch_size, rank=rank, world_size=world_size, seed=3, **more)
        for rank in range(world_size)
    ]


@pytest.mark.parametrize("samples,world_size,batch_size", [(100, 2, 8), (101, 3, 7), (5, 3, 2), (1, 2, 4)])
def test_ranks_see_disjoint_parts_that_make_up_every_epoch(samples, world_size, batch_size):
    ranks = samplers(samples, world_size, batch_size)
    for epoch in range(3):
        seen = []
        for step in range(1 + epoch * ranks[0].steps_per_epoch, 1 + (epoch + 1) * ranks[0].steps_per_epoch):
            parts = [rank.part(step) for rank in ranks]
            assert sum(map(len, parts)) == ranks[0].global_size(step)
            assert max(map(len, parts)) - min(map(len, parts)) <= 1
            seen += [index for part in parts for index in part.tolist()]
        assert sorted(seen) == list(range(samples))


def test_the_same_global_batches_come_with_any_number_of_ranks():
    one, two = samplers(64, 1, 16), samplers(64, 2, 8)
    for step in range(1, 9):
        assert torch.equal(one[0].part(step), torch.cat([rank.part(step) for rank in two]))


def test_a_step_has_the_same_samples_whatever_was_asked_before():
    first, second = samplers(50, 1, 8)[0], samplers(50, 1, 8)[0]
    for step in range(1, 20):
        second.part(step)
    assert torch.equal(first.part(13), second.part(13))


def test_epochs_and_seeds_shuffle_differently():
    sampler = samplers(64, 1, 64)[0]
    other = Sampler(64, batch_size=64, rank=0, world_size=1, seed=4)
    assert not torch.equal(sampler.part(1), sampler.part(2))
    assert not torch.equal(sampler.part(1), other.part(1))


def test_accumulation_makes_the_global_batch_larger_and_cuts_a_part_into_pieces():
    sampler = samplers(100, 2, 8, accumulation=3)[1]
    assert sampler.global_batch == 48
    assert [len(piece) for piece in sampler.micro_batches(1)] == [8, 8, 8]
    assert torch.equal(torch.cat(list(sampler.micro_batches(1))), sampler.part(1))


def test_a_rank_without_samples_has_no_piece():
    assert list(samplers(1, 2, 4)[0].micro_batches(1)) == []


@pytest.mark.parametrize("world_size", [1, 2, 3])
def test_the_global_batch_stays_what_it_was_whatever_the_number_of_ranks(world_size):
    full = torch.cat([sampler.part(3) for sampler in samplers(100, 2, 8)])
    fewer = samplers(100, world_size, 8, batch_devices=2)
    assert torch.equal(torch.cat([sampler.part(3) for sampler in fewer]), full)
    assert {sampler.steps_per_epoch for sampler in fewer} == {math.ceil(100 / 16)}
    assert max(len(piece) for sampler in fewer for piece in sampler.micro_batches(3)) <= 8
