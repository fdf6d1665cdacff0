"""Gradients of single samples: the same as one sample at a time gives, and never longer than the limit."""

import pytest
import torch
from torch.nn.functional import cross_entropy

from training.models import build
from training.models.group_norm import without_batch_norm
from training.privacy.clipping import Clipping, clip_factors

LIMIT = 0.7
IMAGES = [1, 12, 12]


def images(count=6):
    generator = torch.Generator().manual_seed(1)
    return torch.randn(count, *IMAGES, generator=generator), torch.arange(count) % 4


def summed_loss(outputs, targets):
    return cross_entropy(outputs, targets, reduction="sum")


def clipped(net, batches):
    """The sum that `Clipping` leaves, and what it is for."""
    parameters = {name: parameter for name, parameter in net.named_parameters() if parameter.requires_grad}
    for parameter in parameters.values():
        parameter.grad = torch.zeros_like(parameter)
    clipping = Clipping(net, parameters, LIMIT)
    clipping.learn(batches, net, summed_loss)
    return torch.cat([parameter.grad.flatten() for parameter in parameters.values()]), clipping


def one_by_one(net, inputs, targets):
    """Gradients [n, all parameters] of single samples, without any of our code."""
    rows = []
    for row in range(len(inputs)):
        net.zero_grad(set_to_none=True)
        summed_loss(net(inputs[row : row + 1]), targets[row : row + 1]).backward()
        learning = [parameter for parameter in net.parameters() if parameter.requires_grad]
        rows.append(torch.cat([parameter.grad.flatten() for parameter in learning]))
    return torch.stack(rows)


@pytest.mark.parametrize("source", ["dense", "conv", "vit"])
def test_a_batch_gives_what_its_samples_give_alone(source):
    net = build({"source": source}, IMAGES, 4, seed=0).train()
    inputs, targets = images()
    alone = one_by_one(net, inputs, targets)
    wanted = (alone * (LIMIT / (alone.norm(dim=1) + 1e-6)).clamp(max=1.0)[:, None]).sum(0)
    total, clipping = clipped(net, [(inputs[:4], targets[:4]), (inputs[4:], targets[4:])])
    assert clipping.fallen_back_for == ""
    assert torch.allclose(total, wanted, atol=1e-4)


def test_a_net_that_opacus_does_not_know_runs_one_sample_at_a_time():
    text = {"vocabulary": 20, "pad": 0}
    net = build({"source": "text", "width": 16, "depth": 1}, [8], 3, 0, text).train()
    tokens, targets = torch.arange(24, dtype=torch.int32).reshape(3, 8) % 19 + 1, torch.tensor([0, 1, 2])
    alone = one_by_one(net, tokens, targets)
    wanted = (alone * (LIMIT / (alone.norm(dim=1) + 1e-6)).clamp(max=1.0)[:, None]).sum(0)
    total, clipping = clipped(net, [(tokens[row : row + 1], targets[row : row + 1]) for row in range(3)])
    assert clipping.rows == 1 and clipping.fallen_back_for == "Words"
    assert torch.allclose(total, wanted, atol=1e-5)


def test_no_sample_moves_the_sum_by_more_than_the_limit():
    gradients = [torch.randn(5, 3, 4) * 100, torch.randn(5, 7) * 0.01]
    factors = clip_factors(gradients, LIMIT)
    lengths = torch.cat([gradient.flatten(1) for gradient in gradients], 1).norm(dim=1)
    assert float((factors * lengths).max()) <= LIMIT
    short = clip_factors([torch.full((1, 4), 0.1)], LIMIT)
    assert float(short) == 1.0


def test_what_is_frozen_gets_no_gradient_and_no_hook_is_left_behind():
    net = build({"source": "conv"}, IMAGES, 4, seed=0).train()
    net.body.requires_grad_(False)
    clipped(net, [images()])
    assert all(parameter.grad is None for parameter in net.body.parameters())
    assert not any(module._forward_hooks or module._backward_hooks for module in net.modules())


def test_batch_norm_gives_way_to_group_norm():
    net = torch.nn.Sequential(torch.nn.Conv2d(1, 6, 3), torch.nn.BatchNorm2d(6), torch.nn.Flatten())
    assert without_batch_norm(net) == 1
    assert isinstance(net[1], torch.nn.GroupNorm) and net[1].num_groups == 2
    inputs = torch.randn(3, 1, 5, 5)
    assert torch.allclose(net(inputs)[:1], net(inputs[:1]), atol=1e-6)
