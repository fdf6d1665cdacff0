"""Attacks, held against what can be worked out: a linear model's margin."""

import torch

from training.attacks import Attacker
from training.suites.attacks import doubts

SIZE = 0.3


def linear(classes=2, features=6):
    """A linear classifier, inputs around its boundary, and their labels as it says them."""
    torch.manual_seed(3)
    net = torch.nn.Linear(features, classes).eval()
    inputs = torch.randn(200, features)
    with torch.no_grad():
        return net, inputs, net(inputs).argmax(1)


def analytic(net, inputs, labels):
    """Rows of a two-class linear model that no change of SIZE in any number can turn: margin > SIZE · ‖w‖₁."""
    with torch.no_grad():
        weight = net.weight[1] - net.weight[0]
        margin = (inputs @ weight + net.bias[1] - net.bias[0]) * (2 * labels - 1)
        return margin > SIZE * weight.abs().sum()


def test_attacks_on_a_linear_model_reach_exactly_its_analytic_margin():
    net, inputs, labels = linear()
    attacker, sizes = Attacker(net), torch.full((1,), SIZE)
    wanted = analytic(net, inputs, labels)
    assert 0.2 < float(wanted.double().mean()) < 0.8
    assert torch.equal(attacker.right(attacker.fgsm(inputs, labels, sizes), labels), wanted)
    found = attacker.pgd(inputs, labels, sizes, torch.Generator().manual_seed(0))
    assert torch.equal(attacker.right(found, labels), wanted)
    noisy = attacker.right(attacker.noise(inputs, sizes, torch.Generator().manual_seed(0)), labels)
    assert float(noisy.double().mean()) > float(wanted.double().mean())


def test_nothing_is_changed_by_more_than_its_size_nor_beyond_the_bounds():
    net, inputs, labels = linear(classes=3)
    inputs = inputs.clamp(-1, 1)
    attacker, sizes = Attacker(net, (-1.0, 1.0)), torch.tensor([0.5, 0.0, 0.1, 0.2, 0.3, 0.4])
    chance = torch.Generator().manual_seed(0)
    for changed in (
        attacker.fgsm(inputs, labels, sizes),
        attacker.pgd(inputs, labels, sizes, chance),
        attacker.noise(inputs, sizes, chance),
    ):
        assert ((changed - inputs).abs() <= sizes + 1e-6).all()
        assert float(changed.abs().max()) <= 1.0
        assert torch.equal(changed[:, 1], inputs[:, 1])


def test_a_model_whose_gradient_points_nowhere_is_suspected():
    class Rounded(torch.nn.Module):
        def __init__(self, net):
            super().__init__()
            self.net = net

        def forward(self, inputs):
            return self.net(torch.round(inputs * 4) / 4)  # flat almost everywhere: the gradient is 0

    net, inputs, labels = linear()
    attacker, sizes = Attacker(Rounded(net)), torch.full((1,), 100.0)
    labels = attacker.model(inputs).argmax(1)
    far = float(attacker.right(attacker.fgsm(inputs, labels, sizes), labels).double().mean())
    assert far > 0.9
    honest = [
        {"size": 1.0, "noise": 0.9, "fgsm": 0.8, "pgd": 0.7},
        {"size": 2.0, "noise": 0.9, "fgsm": 0.6, "pgd": 0.4},
    ]
    assert doubts(honest, 0.0, 100.0) == []
    assert "however large" in doubts(honest, far, 100.0)[0]
    weak = [{"size": 1.0, "noise": 0.5, "fgsm": 0.7, "pgd": 0.9}]
    assert len(doubts(weak, 0.0, 100.0)) == 2
    assert len(doubts([honest[1], honest[0]], 0.0, 100.0)) == 1
