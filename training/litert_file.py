"""The result as a LiteRT file (`.tflite`), for phones and small devices: one sample at a time.

The converter, litert-torch, brings JAX with it and is no dependency of ours: `docs/decisions/036`.
"""

from pathlib import Path
from typing import Any

import torch
from torch import nn

from training.data import Data
from training.inputs import example
from training.onnx_file import Exported, NotMade, checked_inputs, largest_difference
from training.outputs import as_tuple

CHECKED_ROWS = 64
"""one by one, so fewer than of other formats"""


def write_litert(model: nn.Module, data: Data, split: str, path: Path) -> dict[str, Any]:
    """Convert `model` (on the CPU, inputs as prepared) and run the file on rows of `split`: parity.

    Raises NotMade where no converter is installed, when it refuses, and when the file says something else.
    """
    try:
        import litert_torch  # seconds, and only this needs it
    except ImportError as error:
        sentence = "litert-torch is not installed on this device: leave LiteRT out, or see docs/decisions/036"
        raise NotMade(sentence) from error
    wrapped = Exported(model, data.task).eval()
    try:
        converted = litert_torch.convert(wrapped, (example(data.manifest, 1, torch.device("cpu")),))
        converted.export(str(path))
        answer = interpreter(path)
    except Exception as error:  # the converter raises what it likes; the other formats are made all the same
        raise NotMade(f"litert-torch refused: {str(error).splitlines()[0] if str(error) else error!r}") from error
    return {"parity": _compared(answer, wrapped, data, split)}


def interpreter(path: Path) -> Any:
    """A function from inputs [n, …] as prepared to what the task exports. Raises ImportError without the runtime."""
    from ai_edge_litert.interpreter import Interpreter

    running = Interpreter(model_path=str(path), num_threads=torch.get_num_threads())
    running.allocate_tensors()
    given, made = running.get_input_details()[0], running.get_output_details()

    def answer(inputs: torch.Tensor) -> Any:
        rows = []
        for row in inputs.split(1):
            running.set_tensor(given["index"], row.numpy())
            running.invoke()
            rows.append([torch.from_numpy(running.get_tensor(one["index"]).copy()) for one in made])
        outputs = tuple(torch.cat(parts) for parts in zip(*rows, strict=True))
        return outputs if len(outputs) > 1 else outputs[0]

    return answer


def _compared(answer: Any, wrapped: Exported, data: Data, split: str) -> dict[str, Any]:
    inputs = checked_inputs(wrapped.model, data, split)[:CHECKED_ROWS]
    with torch.inference_mode():
        ours = wrapped(inputs)
    theirs = answer(inputs)
    difference = largest_difference(as_tuple(ours), as_tuple(theirs), "LiteRT")
    return {"rows": len(inputs), "max_difference": difference, "agreement": data.task.agreement(ours, theirs)}
