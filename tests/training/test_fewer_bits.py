"""fp16 with a loss scale: the rule of torch's own scaler, one scale on all ranks, and nothing lost in a checkpoint."""

import math

import pytest
import torch

from contract.problems import Invalid
from contract.spec import JobSpec
from tests.training.factories import events, points, prepared_data, spec, tiny
from tests.training.ranks import Attempt
from training import loss_scale
from training.loss_scale import LossScale
from training.speed import _check_fp16

CONV = {"source": "conv", "channels": [4, 8], "hidden": [16]}


def test_the_scale_follows_torchs_own_rule(monkeypatch):
    monkeypatch.setattr(loss_scale, "GROWS_AFTER", 3)
    theirs = torch.amp.GradScaler("cpu", init_scale=loss_scale.FIRST, growth_interval=3)
    ours = LossScale(True)
    weight = torch.nn.Parameter(torch.ones(1))
    optimizer = torch.optim.SGD([weight], lr=0.0)
    for gradient in (1.0, math.inf, 1.0, 1.0, 1.0, math.nan, 1.0, 1.0, 1.0, 1.0):
        theirs.scale(torch.ones(1)).sum()  # the scaler makes its tensors at its first use
        weight.grad = torch.tensor([gradient])
        theirs.step(optimizer)
        theirs.update()
        assert ours.bears(gradient) == math.isfinite(gradient)
        assert ours.value == theirs.get_scale()


def test_without_fp16_nothing_is_scaled_and_nothing_thrown_away():
    off = LossScale(False)
    assert (off.value, off.bears(math.inf), off.state()) == (1.0, True, [])


def test_a_scale_goes_on_where_it_was():
    first, second = LossScale(True), LossScale(True)
    for norm in (math.inf, 1.0, 1.0):
        first.bears(norm)
    second.go_on_from(first.state())
    assert second.state() == first.state() == [loss_scale.FIRST / 2, 2]


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"training": {"fp16": True, "bf16": True}}, "Choose one of bf16 and fp16"),
        ({"training": {"fp16": True}, "parallel": {"strategy": "fsdp"}}, "choose ddp, or bf16"),
    ],
)
def test_a_spec_says_what_does_not_go_with_fp16(parts, words):
    body = {"task": "image-classification", "dataset": "x", "model": {"source": "dense"}, **parts}
    with pytest.raises(Invalid, match=words):
        JobSpec.parse(body)


def test_a_device_without_kernels_for_fp16_says_so(monkeypatch):
    def missing(*_, **__):
        raise RuntimeError("\"slow_conv2d_cpu\" not implemented for 'Half'")

    _check_fp16(torch.device("cpu"))
    monkeypatch.setattr(torch.nn.functional, "linear", missing)
    with pytest.raises(Exception, match=r"cannot compute in fp16.*set training.fp16 to false"):
        _check_fp16(torch.device("cpu"))


@pytest.mark.integration
def test_two_ranks_learn_in_fp16_and_go_on_with_the_same_bits(starter, tmp_path):
    data = prepared_data(tmp_path / "data", *tiny(), classes=["a", "b", "c"])
    settings = {"per_device_train_batch_size": 8, "learning_rate": 0.01, "optim": "adam", "max_steps": 60}

    def ran(name, **more) -> Attempt:
        job = spec(model=CONV, training=settings | more, export={"formats": []})
        attempt = Attempt(starter, tmp_path / name, job, [data, data])
        assert {report["outcome"] for report in attempt.run()} == {"succeeded"}
        return attempt

    half, full = ran("fp16", fp16=True, save_steps=20), ran("fp32")
    said = events(half.paths(0), "choice", what="fp16")[0]["data"]
    assert said["chosen"] == "on" and "asked for" in said["reason"]
    losses, exact = points(half.paths(0), "train/loss"), points(full.paths(0), "train/loss")
    assert losses[1] == pytest.approx(exact[1], rel=1e-2) and losses[1] != exact[1]
    assert losses[60] < losses[1] / 4
    assert held(half, 0) == held(half, 1)
    resumed = half.again(resume_step=40)
    resumed.run()
    assert held(resumed, 0) == held(half, 0)


def held(attempt: Attempt, rank: int) -> str:
    return events(attempt.paths(rank), "stage", stage="fine_tune", state="ended")[-1]["data"]["weights_hash"]
