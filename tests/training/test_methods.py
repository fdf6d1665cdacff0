import pytest
import torch

from contract.reasons import EndReason
from training.failures import Failure
from training.hashing import hash_of
from training.methods import choose_what_learns, merge_adapters, rates_by_layer
from training.models import build

LORA = {"kind": "lora", "r": 2, "alpha": 4, "dropout": 0.0, "target_modules": [], "use_dora": False}


def dense(**preset):
    return build({"source": "dense", "hidden": [8, 6], **preset}, [1, 4, 4], 3, seed=1)


def learning(model):
    return {name for name, parameter in model.named_parameters() if parameter.requires_grad}


def test_the_method_head_leaves_the_head_alone():
    model = build({"source": "conv"}, [1, 8, 8], 3, seed=1)
    choose_what_learns(model, {"kind": "head"})
    assert learning(model) == {"head.weight", "head.bias"}


def test_lora_adds_matrices_that_change_nothing_yet():
    model, before = dense(), dense()
    choose_what_learns(model, LORA, new=["head.weight", "head.bias"])
    inputs = torch.rand(5, 1, 4, 4)
    assert torch.equal(model(inputs), before(inputs))
    added = {name for name in learning(model) if not name.startswith("head.")}
    assert len(added) == 4 and all("lora_" in name for name in added)
    assert {"head.weight", "head.bias"} < learning(model)


def test_a_head_that_was_read_is_left_as_it_is():
    model = dense()
    choose_what_learns(model, LORA)
    assert all("lora_" in name for name in learning(model))


@pytest.mark.parametrize("use_dora", [False, True])
def test_merged_it_answers_the_same_under_the_old_names(use_dora):
    model, before = dense(), dense()
    choose_what_learns(model, LORA | {"target_modules": ["body.1"], "use_dora": use_dora})
    for parameter in model.parameters():
        if parameter.requires_grad:
            torch.nn.init.normal_(parameter, std=0.3)
    inputs = torch.rand(5, 1, 4, 4)
    answer = model(inputs)
    merge_adapters(model)
    torch.testing.assert_close(model(inputs), answer)
    old, now = before.state_dict(), model.state_dict()
    assert old.keys() == now.keys()
    assert {name for name in old if hash_of({"": old[name]}) != hash_of({"": now[name]})} == {"body.1.weight"}


def test_a_target_that_is_no_layer_is_named_with_those_that_are():
    with pytest.raises(Failure, match=r"'query' is no layer.*body\.1") as refusal:
        choose_what_learns(dense(), LORA | {"target_modules": ["query"]})
    assert refusal.value.reason == EndReason.IMPOSSIBLE


def test_rates_fall_from_the_head_down():
    assert rates_by_layer(dense(), 0.5) == {
        "body.1.weight": 0.25, "body.1.bias": 0.25, "body.3.weight": 0.5, "body.3.bias": 0.5,
        "head.weight": 1.0, "head.bias": 1.0,
    }  # fmt: skip
    text = {"vocabulary": 9, "pad": 0}
    rates = rates_by_layer(build({"source": "text", "width": 16, "depth": 2}, [6], 3, 1, text), 0.5)
    assert rates["words.weight"] == 0.125 and rates["body.0.ask.weight"] == 0.25 and rates["head.bias"] == 1.0
    assert rates["norm.weight"] == 1.0


def test_layers_are_cut_alike_with_and_without_added_matrices():
    model = dense()
    plan = model.tensor_plan()
    choose_what_learns(model, LORA)
    assert plan == model.tensor_plan() == {"body.1": "column", "body.3": "row"}
