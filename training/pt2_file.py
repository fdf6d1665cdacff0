"""The result as `.pt2`: the exported graph with its weights, for torch without our code."""

from pathlib import Path

import torch
from torch import nn

from training.data import Data
from training.inputs import example
from training.onnx_file import LARGEST_BATCH, Exported, NotMade


def write_pt2(model: nn.Module, data: Data, path: Path) -> None:
    """Export `model` (on the CPU, inputs as prepared) for any batch size. Raises NotMade when the exporter refuses.

    Sample inputs are left out: they would be pickled into the archive.
    """
    batch = torch.export.Dim("n", min=1, max=LARGEST_BATCH)
    inputs = (example(data.manifest, 2, torch.device("cpu")),)
    wrapped = Exported(model, data.task).eval()
    try:
        program = torch.export.export(wrapped, inputs, dynamic_shapes=({0: batch},), strict=False)
    except Exception as error:  # the exporter raises what it likes; the other formats are made all the same
        raise NotMade(f"torch.export refused: {str(error).splitlines()[0]}") from error
    program.example_inputs = None
    torch.export.save(program, path)
