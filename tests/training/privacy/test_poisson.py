"""Poisson sampling: every sample by its own chance, shared out among ranks without a gap."""

import torch

from training.privacy.poisson import PoissonSampler
from training.privacy.secret import Secret

KEY = b"a fixed key, so that this holds every time"


def sampler(rank=0, world_size=1, **more):
    made = PoissonSampler(1000, batch_size=50 // world_size, rank=rank, world_size=world_size, seed=1, **more)
    made.secret = Secret(KEY)
    return made


def test_batches_differ_in_size_around_the_expected_one_and_samples_come_equally_often():
    one = sampler()
    assert one.rate == 0.05
    sizes = [one.global_size(step) for step in range(1, 401)]
    assert len(set(sizes)) > 20
    assert 48.5 < sum(sizes) / len(sizes) < 51.5  # 50 ± 4 deviations of the mean
    counts = torch.bincount(torch.cat([one.part(step) for step in range(1, 401)]), minlength=1000)
    assert int(counts.min()) > 2 and int(counts.max()) < 45  # 20 ± 5 deviations


def test_ranks_take_the_same_batch_apart():
    together = sampler(rank=0, world_size=1).part(3)
    parts = [sampler(rank=rank, world_size=2).part(3) for rank in (0, 1)]
    assert torch.equal(torch.cat(parts), together)
    assert sampler(rank=0, world_size=2).counts(3) == [len(part) for part in parts]


def test_who_does_not_have_the_key_draws_other_samples():
    other = sampler()
    other.secret = Secret.new()
    assert not torch.equal(sampler().part(3), other.part(3))


def test_passes_are_cut_smaller_where_gradients_would_not_fit():
    small = sampler()
    small.passes_of(7)
    passes = list(small.micro_batches(3))
    assert max(len(part) for part in passes) == 7
    assert torch.equal(torch.cat(passes), small.part(3))
