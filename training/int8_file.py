"""ONNX files with weights of 8 bits: a quarter of the size, nearly the same answers.

Dynamic: only weights are small, activations are scaled as they come. Static: what goes into a layer and comes out of it
too, by the ranges that it had on samples of the train split.
"""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from training.data import Data
from training.onnx_file import NotMade

CALIBRATED_ON = 256
"""rows of the train split, evenly spread; more changed ranges by less than a step of 8 bits on the demo's data"""
BATCH = 32
LAYERS = ["Conv", "Gemm", "MatMul"]
"""operations of which a static file computes in 8 bits; of all that it knows, the quantiser refuses graphs that join
constants, as those of detectors do"""


def write_int8(onnx: Path, path: Path) -> None:
    """Quantise the weights of the ONNX file at `onnx`. Raises NotMade when the quantiser is missing or refuses."""
    quantisation = _quantiser(onnx)
    weights = quantisation.QuantType.QInt8
    with _refusals():
        quantisation.quantize_dynamic(onnx, path, weight_type=weights, per_channel=True, reduce_range=True)


def write_static_int8(onnx: Path, data: Data, path: Path) -> dict[str, Any]:
    """Quantise weights and activations of the ONNX file at `onnx`; how many samples it was calibrated on.

    Raises NotMade when the quantiser is missing or refuses.
    """
    quantisation = _quantiser(onnx)
    samples = calibration_inputs(data)
    kinds = quantisation.QuantType
    with _refusals():
        quantisation.quantize_static(
            onnx,
            path,
            _reader(quantisation, data.manifest["input"]["column"], samples),
            quant_format=quantisation.QuantFormat.QDQ,
            activation_type=kinds.QUInt8,
            weight_type=kinds.QInt8,
            op_types_to_quantize=LAYERS,
            per_channel=True,
            reduce_range=True,
        )
    return {"calibrated_on": len(samples)}


def calibration_inputs(data: Data) -> torch.Tensor:
    """Inputs as prepared, the same for the same data. Raises NotMade without a train split."""
    split = data.splits.get("train")
    if not split:
        raise NotMade("there are no train samples to calibrate on")
    rows = np.unique(np.linspace(0, len(split) - 1, min(CALIBRATED_ON, len(split))).round().astype(np.int64))
    inputs, _targets = data.task.collate(split, torch.from_numpy(rows))
    return inputs if inputs.ndim == len(data.shape) + 1 else inputs[:, 0]


def _reader(quantisation: Any, name: str, samples: torch.Tensor) -> Any:
    """The samples as the calibrator asks for them."""

    class Reader(quantisation.CalibrationDataReader):
        def __init__(self) -> None:
            self._batches = iter(samples.split(BATCH))

        def get_next(self) -> dict[str, np.ndarray] | None:
            batch = next(self._batches, None)
            return None if batch is None else {name: batch.numpy()}

    return Reader()


def _quantiser(onnx: Path) -> Any:
    if not onnx.is_file():
        raise NotMade("there is no ONNX file to quantise")
    try:
        from onnxruntime import quantization  # loads onnx; only this needs it
    except ImportError as error:
        raise NotMade("onnxruntime is not installed here") from error
    return quantization


@contextmanager
def _refusals() -> Iterator[None]:
    logging.getLogger().setLevel(logging.ERROR)  # it advises a step that changes nothing here
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except Exception as error:  # whatever it does not know in a graph
        raise NotMade(f"the quantiser refused: {str(error).splitlines()[0] if str(error) else error!r}") from error
