"""The result as ONNX: prepared data in, what the task exports out, any batch size; compared before it counts."""

import logging
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import nn

from training.data import Data
from training.inputs import example
from training.outputs import as_tuple
from training.tasks import Task

CHECKED_ROWS = 1_000
CHECKED_NUMBERS = 1 << 24
"""of outputs at most, so that a large vocabulary does not fill the memory"""
PARITY = 1e-4
"""how far an output may differ from the model's own, relative to the largest one"""
LARGEST_BATCH = 65_536


class NotMade(Exception):
    """The file could not be made; the text says why."""


class Exported(nn.Module):
    """A model as it is handed out: `model` takes prepared data, the task says what of its outputs is given."""

    def __init__(self, model: nn.Module, task: Task):
        super().__init__()
        self.model = model
        self._exported = task.exported

    def forward(self, prepared: torch.Tensor) -> Any:
        return self._exported(self.model(prepared))


def write_onnx(model: nn.Module, data: Data, path: Path) -> None:
    """Export `model` (which takes inputs as prepared, on the CPU). Raises NotMade when the exporter refuses."""
    batch = torch.export.Dim("n", min=1, max=LARGEST_BATCH)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it misses torchvision, which nothing here uses
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # between torch and its own exporter
            torch.onnx.export(
                Exported(model, data.task).eval(),
                (example(data.manifest, 2, torch.device("cpu")),),
                path,
                dynamo=True,
                dynamic_shapes=({0: batch},),
                input_names=[data.manifest["input"]["column"]],
                output_names=list(data.task.output_names),
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
    session = _session(path)
    if session is None:
        return None
    inputs = checked_inputs(model, data, split)
    with torch.inference_mode():
        ours = data.task.exported(model(inputs))
    said = session.run(list(data.task.output_names), {data.manifest["input"]["column"]: inputs.numpy()})
    theirs = tuple(torch.from_numpy(part) for part in said)
    difference = largest_difference(as_tuple(ours), theirs, "onnxruntime")
    agreement = data.task.agreement(ours, theirs if isinstance(ours, tuple) else theirs[0])
    return {"rows": len(inputs), "max_difference": difference, "agreement": agreement}


def _session(path: Path) -> Any:
    try:
        import onnxruntime  # starts threads, and only this needs it
    except ImportError:
        return None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def checked_inputs(model: nn.Module, data: Data, split: str) -> torch.Tensor:
    """The first rows of the split, as many as their outputs leave room for."""
    with torch.inference_mode():
        one = data.task.exported(model(example(data.manifest, 1, torch.device("cpu"))))
    rows = min(CHECKED_ROWS, len(data.splits[split]), max(1, CHECKED_NUMBERS // sum(o.numel() for o in as_tuple(one))))
    inputs, _ = data.task.collate(data.splits[split], torch.arange(rows))
    return inputs if inputs.ndim == len(data.shape) + 1 else inputs[:, 0]


def largest_difference(ours: tuple[torch.Tensor, ...], theirs: tuple[torch.Tensor, ...], who: str) -> float:
    """Over all outputs. Raises NotMade where one of `who` differs by more than PARITY of its largest number."""
    largest = 0.0
    for mine, other in zip(ours, theirs, strict=True):
        difference = float((mine - other).abs().max())
        if not difference <= PARITY * max(1.0, float(mine.abs().max())):
            raise NotMade(f"{who} gives other outputs than the model, by up to {difference:.2g}")
        largest = max(largest, difference)
    return largest


def _forget_where_it_was_made(path: Path) -> None:
    """Take out the exporter's notes: stack traces with paths of this machine, half of a small file."""
    import onnx  # the exporter has loaded it; nothing else needs it

    proto = onnx.load(path)
    graph = proto.graph
    for noted in (proto, graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        noted.ClearField("metadata_props")
    path.write_bytes(proto.SerializeToString(deterministic=True))
