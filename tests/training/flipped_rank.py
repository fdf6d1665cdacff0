"""A rank in whose memory one bit of a weight turns over before the checkpoint of the step that FLIP_AT names."""

import os

import torch

from training import run
from training.fine_tune import FineTuning


def main(run_dir: str) -> None:
    save = FineTuning._save

    def flipped(self: FineTuning, number: int) -> None:
        if number == int(os.environ.get("FLIP_AT", "0")):
            weight = next(self.parts.method.module.parameters()).detach().view(-1)
            weight.view(torch.int32)[0] ^= 1 << 12
        save(self, number)

    FineTuning._save = flipped
    run.main(run_dir)
