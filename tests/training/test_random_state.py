import torch

from training.random_state import put_random_states, random_states, seed_rank
from training.rendezvous import Group

CPU = torch.device("cpu")


def test_ranks_draw_differently_and_a_seed_repeats():
    draws = []
    for seed, rank in ((1, 0), (1, 1), (1, 0)):
        seed_rank(seed, rank)
        draws.append(torch.rand(3))
    assert torch.equal(draws[0], draws[2]) and not torch.equal(draws[0], draws[1])


def test_a_rank_goes_on_drawing_where_it_stood():
    seed_rank(1, 0)
    torch.nn.functional.dropout(torch.ones(10))
    states = random_states(Group(0, 1), CPU)
    expected = torch.rand(5)
    torch.manual_seed(99)
    put_random_states(states, 0, CPU)
    assert torch.equal(torch.rand(5), expected)


def test_a_rank_that_was_not_there_keeps_its_own_state():
    states = random_states(Group(0, 1), CPU)
    seed_rank(5, 1)
    expected = torch.rand(5)
    seed_rank(5, 1)
    put_random_states(states, 1, CPU)
    assert torch.equal(torch.rand(5), expected)
