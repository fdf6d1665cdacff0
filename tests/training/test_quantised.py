"""LoRA beside base weights in int8: close to the full ones, a quarter of the memory, full again in what is left."""

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from contract.problems import Invalid
from tests.training.factories import events, points, prepared_data, spec, tiny
from tests.training.ranks import Attempt
from training.failures import Failure
from training.methods import choose_what_learns, merge_adapters
from training.models import build
from training.quantised import Int8Linear

LORA = {"kind": "lora", "r": 2, "alpha": 4, "dropout": 0.0, "target_modules": [], "quantise_base": True}


def dense():
    return build({"source": "dense", "hidden": [64, 64]}, [1, 4, 4], 3, seed=1)


def taught(net: nn.Module) -> None:
    """As if it had learnt something."""
    torch.manual_seed(2)
    for parameter in net.parameters():
        if parameter.requires_grad:
            nn.init.normal_(parameter, std=0.2)


def test_every_weight_is_within_half_a_step_of_its_row():
    layer = nn.Linear(32, 16)
    near = Int8Linear(layer)
    step = layer.weight.abs().amax(1, keepdim=True) / 127
    assert ((near.full_weight() - layer.weight).abs() <= step / 2 * (1 + 1e-5)).all()
    assert near.weight.dtype == torch.int8 and near.weight.nbytes * 4 == layer.weight.nbytes
    torch.testing.assert_close(near.full().weight, near.full_weight())


def test_gradients_pass_as_through_the_layer_with_the_same_weights():
    near = Int8Linear(nn.Linear(8, 5))
    inputs = torch.randn(3, 8, requires_grad=True)
    near(inputs).square().sum().backward()
    again = inputs.detach().clone().requires_grad_()
    near.full()(again).square().sum().backward()
    torch.testing.assert_close(inputs.grad, again.grad)


def test_the_layers_beside_lora_are_held_in_int8_and_answer_almost_the_same():
    net, before = dense(), dense()
    choose_what_learns(net, LORA, new=["head.weight", "head.bias"])
    quantised = [name for name, module in net.named_modules() if isinstance(module, Int8Linear)]
    assert quantised == ["body.1.base_layer", "body.3.base_layer"]
    inputs = torch.rand(5, 1, 4, 4)
    torch.testing.assert_close(net(inputs), before(inputs), atol=0.02, rtol=0)
    assert sum(part.nbytes for part in net.buffers()) < 0.4 * sum(part.nbytes for part in before.parameters())


def test_merged_it_is_an_ordinary_net_that_answers_the_same():
    net, before = dense(), dense()
    choose_what_learns(net, LORA)
    taught(net)
    inputs = torch.rand(5, 1, 4, 4)
    answer = net(inputs)
    merge_adapters(net)
    torch.testing.assert_close(net(inputs), answer)
    assert net.state_dict().keys() == before.state_dict().keys()
    assert {value.dtype for value in net.state_dict().values()} == {torch.float32}


def test_a_net_without_linear_targets_says_so():
    net = build({"source": "conv", "channels": [4], "hidden": []}, [1, 8, 8], 3, seed=1)
    with pytest.raises(Failure, match="none of LoRA's targets is a linear layer"):
        choose_what_learns(net, LORA | {"target_modules": ["0"]})


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"method": {"kind": "full", "quantise_base": True}}, "choose the method lora"),
        ({"method": {"kind": "lora", "quantise_base": True, "use_dora": True}}, "choose plain LoRA"),
        ({"method": {"kind": "lora", "quantise_base": True}, "parallel": {"strategy": "fsdp"}}, "choose ddp"),
    ],
)
def test_a_spec_says_what_does_not_go_with_it(parts, words):
    with pytest.raises(Invalid, match=words):
        spec(**parts)


@pytest.mark.integration
def test_two_ranks_learn_beside_quantised_weights_and_go_on_with_the_same_bits(starter, tmp_path):
    data = prepared_data(tmp_path / "data", *tiny(), classes=["a", "b", "c"])
    settings = {"per_device_train_batch_size": 8, "learning_rate": 0.02, "optim": "adam", "max_steps": 60}
    model = {"source": "dense", "hidden": [32, 32]}
    job = spec(
        model=model, method=LORA | {"r": 8}, training=settings | {"save_steps": 20}, export={"formats": ["safetensors"]}
    )
    attempt = Attempt(starter, tmp_path / "job", job, [data, data])
    assert {report["outcome"] for report in attempt.run()} == {"succeeded"}
    losses = points(attempt.paths(0), "train/loss")
    assert losses[60] < losses[1] / 2
    assert held(attempt, 0) == held(attempt, 1)
    left = load_file(attempt.paths(0).artifacts / "model.safetensors")
    assert {value.dtype for value in left.values()} == {torch.float32} and "body.1.weight" in left
    resumed = attempt.again(resume_step=40)
    resumed.run()
    assert held(resumed, 0) == held(attempt, 0)


def held(attempt: Attempt, rank: int) -> str:
    return events(attempt.paths(rank), "stage", stage="fine_tune", state="ended")[-1]["data"]["weights_hash"]
