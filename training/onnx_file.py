"""The result as ONNX: prepared pixels in, outputs of the model out, any batch size; compared before it counts."""

import logging
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import nn

from training.data import Data
from training.model_config import ONNX_INPUT, ONNX_OUTPUT

CHECKED_ROWS = 1_000
PARITY = 1e-4
"""how far an output may differ from the model's own, relative to the largest one"""
LARGEST_BATCH = 65_536


class NotMade(Exception):
    """The file could not be made; the text says why."""


def write_onnx(model: nn.Module, data: Data, path: Path) -> None:
    """Export `model` (which takes inputs as prepared, on the CPU). Raises NotMade when the exporter refuses."""
    dtype = getattr(torch, data.manifest["input"]["dtype"])
    batch = torch.export.Dim("n", min=1, max=LARGEST_BATCH)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it misses torchvision, which nothing here uses
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # between torch and its own exporter
            torch.onnx.export(
                model,
                (torch.zeros(2, *data.shape, dtype=dtype),),
                path,
                dynamo=True,
                dynamic_shapes=({0: batch},),
                input_names=[ONNX_INPUT],
                output_names=[ONNX_OUTPUT],
                external_data=False,
                verbose=False,
            )
    except (torch.onnx.errors.OnnxExporterError, ImportError) as error:
        raise NotMade(f"the ONNX exporter refused: {str(error).splitlines()[0]}") from error
    _forget_where_it_was_made(path)


def compared_with_onnxruntime(model: nn.Module, data: Data, split: str, path: Path) -> dict[str, Any] | None:
    """Run the file on rows of `split`: rows, max_difference, agreement of predictions; None without onnxruntime.

    Raises NotMade when the file does not say what the model says.
    """
    try:
        import onnxruntime  # starts threads, and only this needs it
    except ImportError:
        return None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    rows = torch.arange(min(CHECKED_ROWS, len(data.splits[split])))
    inputs, _ = data.task.collate(data.splits[split], rows)
    with torch.inference_mode():
        ours = model(inputs)
    theirs = torch.from_numpy(session.run([ONNX_OUTPUT], {ONNX_INPUT: inputs.numpy()})[0])
    difference = float((ours - theirs).abs().max())
    if not difference <= PARITY * max(1.0, float(ours.abs().max())):
        raise NotMade(f"onnxruntime gives other outputs than the model, by up to {difference:.2g}")
    agreement = float((data.task.predict(ours) == data.task.predict(theirs)).double().mean())
    return {"rows": len(rows), "max_difference": difference, "agreement": agreement}


def _forget_where_it_was_made(path: Path) -> None:
    """Take out the exporter's notes: stack traces with paths of this machine, half of a small file."""
    import onnx  # the exporter has loaded it; nothing else needs it

    proto = onnx.load(path)
    graph = proto.graph
    for noted in (proto, graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        noted.ClearField("metadata_props")
    path.write_bytes(proto.SerializeToString(deterministic=True))
