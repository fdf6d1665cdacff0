"""Randomness: nobody can foretell it, whoever has the key repeats it, and its amount is the one that was asked for."""

import math

import pytest
import torch

from training.privacy.secret import BLOCK, Secret


def test_the_key_and_the_step_decide_every_draw():
    secret = Secret.new()
    again = Secret(secret.key)
    assert torch.equal(secret.normal("noise", 7, 100), again.normal("noise", 7, 100))
    assert not torch.equal(secret.normal("noise", 7, 100), secret.normal("noise", 8, 100))
    assert not torch.equal(secret.uniform("samples", 7, 100), secret.uniform("noise", 7, 100))
    assert not torch.equal(secret.normal("noise", 7, 100), Secret.new().normal("noise", 7, 100))


def test_the_variance_of_the_noise_lies_in_its_99_percent_interval():
    draws = Secret(b"a fixed key, so that this holds every time").normal("noise", 1, 2 * BLOCK)
    count = len(draws)
    assert float(draws.var()) == pytest.approx(1.0, abs=2.576 * math.sqrt(2 / count))
    assert float(draws.mean()) == pytest.approx(0.0, abs=2.576 / math.sqrt(count))
    assert torch.isfinite(draws).all()


def test_blocks_do_not_repeat_each_other():
    draws = Secret.new().uniform("noise", 1, 2 * BLOCK + 3)
    assert len(draws) == 2 * BLOCK + 3
    assert not torch.equal(draws[:BLOCK], draws[BLOCK : 2 * BLOCK])
    assert float(draws.min()) > 0 and float(draws.max()) < 1
