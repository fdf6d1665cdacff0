"""Files that a device can run: each takes prepared data and gives what the task exports, as the trained model would."""

from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from contract.reasons import EndReason
from contract.run_dir import read_json
from training.data import Data
from training.failures import Failure
from training.inputs import from_prepared
from training.litert_file import interpreter
from training.models.source import CONFIG, start_model
from training.rank import Rank

START = "start"
"""in the place of a file: the model before fine-tuning"""


class Runner:
    """`runner(inputs [n, …] as prepared)` gives a tensor or a tuple of them, on the CPU. `runtime` says what ran it."""

    runtime: str

    def __init__(self, path: Path, rank: Rank, data: Data): ...

    def __call__(self, inputs: torch.Tensor) -> Any:
        raise NotImplementedError


class TorchRunner(Runner):
    """The weights in the net that its config names."""

    def __init__(self, path: Path, rank: Rank, data: Data):
        if read_json(path.parent / CONFIG) is None:
            raise Failure(EndReason.CODE_ERROR, f"{CONFIG} is not beside {path.name}")
        spec = rank.spec | {"model": {"source": "job"}}
        start = start_model(spec, data.manifest, data.task.outputs, path.parent)
        if start.new:
            sentence = "this model knows other classes than this data has: train it on from this data first"
            raise Failure(EndReason.IMPOSSIBLE, sentence)
        self._device, self._exported = rank.device, data.task.exported
        self.model = from_prepared(data.manifest, start.net).to(rank.device).eval()
        self.runtime = f"torch {torch.__version__.split('+')[0]} ({rank.device.type})"

    def __call__(self, inputs: torch.Tensor) -> Any:
        with torch.inference_mode():
            outputs = self._exported(self.model(inputs.to(self._device)))
        return tuple(part.cpu() for part in outputs) if isinstance(outputs, tuple) else outputs.cpu()


class StartRunner(TorchRunner):
    """The model as the job began with it, built again from its source and its seed."""

    def __init__(self, path: Path, rank: Rank, data: Data):
        start = start_model(rank.spec, data.manifest, data.task.outputs, path.parent)
        self._device, self._exported = rank.device, data.task.exported
        self.model = from_prepared(data.manifest, start.net).to(rank.device).eval()
        self.runtime = f"torch {torch.__version__.split('+')[0]} ({rank.device.type}): {start.note}"


class ExportedProgramRunner(Runner):
    """A `.pt2` file: the graph and its weights, without our code."""

    def __init__(self, path: Path, rank: Rank, data: Data):
        self._module = torch.export.load(path).module()
        self.runtime = f"torch.export {torch.__version__.split('+')[0]} (cpu)"

    def __call__(self, inputs: torch.Tensor) -> Any:
        with torch.inference_mode():
            return self._module(inputs)


class OnnxRunner(Runner):
    """An ONNX file in onnxruntime, on as many threads as the device has cores."""

    def __init__(self, path: Path, rank: Rank, data: Data):
        try:
            import onnxruntime  # starts threads, and only this needs it
        except ImportError as error:
            sentence = "onnxruntime is not installed on this device: run its join command again"
            raise Failure(EndReason.VERSION_MISMATCH, sentence) from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = torch.get_num_threads(), 1
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name
        self.runtime = f"onnxruntime {onnxruntime.__version__} (CPU)"

    def __call__(self, inputs: torch.Tensor) -> Any:
        outputs = tuple(torch.from_numpy(part) for part in self._session.run(None, {self._input: inputs.numpy()}))
        return outputs if len(outputs) > 1 else outputs[0]


class LiteRtRunner(Runner):
    """A `.tflite` file, one sample at a time."""

    def __init__(self, path: Path, rank: Rank, data: Data):
        try:
            self._answer = interpreter(path)
        except ImportError as error:
            sentence = "ai-edge-litert is not installed on this device: see docs/decisions/036"
            raise Failure(EndReason.VERSION_MISMATCH, sentence) from error
        self.runtime = f"LiteRT {version('ai-edge-litert')} (CPU)"

    def __call__(self, inputs: torch.Tensor) -> Any:
        return self._answer(inputs)


RUNNERS: dict[str, type[Runner]] = {
    ".safetensors": TorchRunner,
    ".onnx": OnnxRunner,
    ".pt2": ExportedProgramRunner,
    ".tflite": LiteRtRunner,
}
NATIVE = ".aoti.pt2"


def runner_of(path: Path, rank: Rank, data: Data) -> Runner:
    """What runs the file at `path`. Raises Failure when nothing here can."""
    if path.name == START:
        return StartRunner(path, rank, data)
    if path.name.endswith(NATIVE):
        sentence = f"{path.name} is native code: it was compared on the device that compiled it and runs nowhere else"
        raise Failure(EndReason.IMPOSSIBLE, sentence)
    if path.suffix not in RUNNERS:
        raise Failure(EndReason.CODE_ERROR, f"nothing here runs a {path.suffix} file")
    if not path.is_file():
        raise Failure(EndReason.CODE_ERROR, f"{path.name} did not come to this device")
    return RUNNERS[path.suffix](path, rank, data)
