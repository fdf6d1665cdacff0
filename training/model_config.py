"""config.json beside the weights: what is needed to build the net again, and to feed it."""

from typing import Any

import torch

FORMAT = 1
ONNX_INPUT = "image"
ONNX_OUTPUT = "logits"


def model_config(spec: dict[str, Any], preset: dict[str, Any], manifest: dict[str, Any]) -> dict[str, Any]:
    """`preset`: source and widths of the net. Inputs are prepared pixels from 0 to 255; `on_device` says what the
    net's own weights expect, and is part of the ONNX file already."""
    dtype, shape = manifest["input"]["dtype"], manifest["input"]["shape"]
    return {
        "format": FORMAT,
        "task": spec["task"],
        "model": preset,
        "classes": manifest["classes"],
        "input": {**manifest["input"], "range": [0, 255]},
        "on_device": manifest["on_device"],
        "recipe": spec["recipe"],
        "data": manifest["hash"],
        "onnx": {
            "input": {"name": ONNX_INPUT, "dtype": dtype, "shape": ["n", *shape]},
            "output": {"name": ONNX_OUTPUT, "dtype": "float32", "shape": ["n", len(manifest["classes"])]},
            "includes_on_device_steps": True,
        },
        "torch": torch.__version__,
    }
