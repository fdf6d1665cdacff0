"""The ONNX file with weights of 8 bits (dynamic quantisation): a quarter of the size, nearly the same answers."""

import logging
import warnings
from pathlib import Path

from training.onnx_file import NotMade


def write_int8(onnx: Path, path: Path) -> None:
    """Quantise the ONNX file at `onnx`. Raises NotMade when the quantiser is missing or refuses."""
    if not onnx.is_file():
        raise NotMade("there is no ONNX file to quantise")
    try:
        from onnxruntime.quantization import QuantType, quantize_dynamic  # loads onnx; only this needs it
    except ImportError as error:
        raise NotMade("onnxruntime is not installed here") from error
    logging.getLogger().setLevel(logging.ERROR)  # it advises a step that changes nothing here
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            quantize_dynamic(onnx, path, weight_type=QuantType.QInt8, per_channel=True, reduce_range=True)
    except Exception as error:  # whatever it does not know in a graph
        raise NotMade(f"the quantiser refused: {str(error).splitlines()[0]}") from error
