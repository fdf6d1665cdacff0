import pytest
import torch

from training.hashing import hash_of
from training.models import build


@pytest.mark.parametrize("source", ["dense", "conv"])
@pytest.mark.parametrize("shape", [[1, 28, 28], [3, 16, 24], [1, 1, 1], [3, 5, 64]])
def test_any_small_picture_fits(source, shape):
    model = build({"source": source}, shape, 7, seed=1)
    assert model(torch.zeros(4, *shape)).shape == (4, 7)


def test_widths_are_taken_from_the_spec():
    dense = build({"source": "dense", "hidden": [64, 64]}, [1, 28, 28], 10, seed=1)
    assert sum(parameter.numel() for parameter in dense.parameters()) == 784 * 64 + 64 + 64 * 64 + 64 + 640 + 10
    conv = build({"source": "conv", "channels": [4], "hidden": [8, 9]}, [1, 8, 8], 2, seed=1)
    assert conv.head.in_features == 9


def test_a_seed_draws_the_same_weights_and_another_draws_others():
    first, same, other = (build({"source": "conv"}, [1, 8, 8], 3, seed).state_dict() for seed in (5, 5, 6))
    assert hash_of(first) == hash_of(same) != hash_of(other)


@pytest.mark.parametrize("source", ["dense", "conv"])
def test_a_model_gives_each_picture_the_same_whatever_is_beside_it(source):
    """So that a batch that is split over ranks is the same batch: no statistics of it are used."""
    model = build({"source": source}, [1, 12, 12], 5, seed=1).train()
    pictures = torch.rand(6, 1, 12, 12)
    torch.testing.assert_close(model(pictures)[:2], model(pictures[:2]))
