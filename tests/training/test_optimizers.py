import pytest
import torch

from tests.training.factories import spec
from training import optimizers
from training.models import build


def step(model, optimizer):
    optimizer.zero_grad()
    model(torch.ones(2, 1, 4, 4)).square().sum().backward()
    optimizer.step()


def made(optim: str):
    settings = spec(training={"optim": optim, "weight_decay": 0.1})["training"]
    model = build({"source": "dense", "hidden": [5]}, [1, 4, 4], 2, seed=1)
    return model, optimizers.build(settings, dict(model.named_parameters()))


@pytest.mark.parametrize("optim", sorted(optimizers.OPTIMIZERS))
def test_a_saved_state_goes_on_with_the_same_bits(optim):
    model, optimizer = made(optim)
    for _ in range(3):
        step(model, optimizer)
    saved = {
        name: tensor.clone()
        for name, tensor in optimizers.state_tensors(optimizer, dict(model.named_parameters())).items()
    }
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    step(model, optimizer)

    again, other = made(optim)
    again.load_state_dict(weights)
    optimizers.load_state(other, dict(again.named_parameters()), saved)
    step(again, other)
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name])


def test_weight_decay_spares_biases():
    model, optimizer = made("adamw")
    decays = {id(p): group["weight_decay"] for group in optimizer.param_groups for p in group["params"]}
    assert {decays[id(p)] for name, p in model.named_parameters() if name.endswith("weight")} == {0.1}
    assert {decays[id(p)] for name, p in model.named_parameters() if name.endswith("bias")} == {0.0}
