"""config.json beside the weights: what is needed to build the net again, and to feed it."""

from typing import Any

import torch

from training.tasks import Task

FORMAT = 1


def model_config(spec: dict[str, Any], preset: dict[str, Any], manifest: dict[str, Any], task: Task) -> dict[str, Any]:
    """`preset`: source and widths of the net. Pictures are prepared pixels from 0 to 255; `on_device` says what the
    net's own weights expect, and is part of the ONNX file already."""
    dtype, shape = manifest["input"]["dtype"], manifest["input"]["shape"]
    kind_of_data = {key: manifest[key] for key in ("text", "features", "target_scale") if manifest.get(key)}
    pixels = {"range": [0, 255]} if manifest["kind"] == "image" else {}
    return {
        "format": FORMAT,
        "task": spec["task"],
        "model": preset,
        **({"adapters": spec["method"], "outputs": task.outputs} if spec["method"]["kind"] == "lora" else {}),
        "classes": manifest["classes"],
        "input": {**manifest["input"], **pixels},
        **kind_of_data,
        "on_device": manifest["on_device"],
        "recipe": spec["recipe"],
        "data": manifest["hash"],
        "onnx": {
            "input": {"name": manifest["input"]["column"], "dtype": dtype, "shape": ["n", *shape]},
            **_onnx_outputs(task, shape),
            "includes_on_device_steps": True,
        },
        "torch": torch.__version__,
    }


def _onnx_outputs(task: Task, shape: list[int]) -> dict[str, Any]:
    """`output` of a model that gives one tensor, `outputs` of one that gives several."""
    described = [
        {"name": name, "dtype": "float32", "shape": ["n", *task.output_shape(name, shape)]}
        for name in task.output_names
    ]
    return {"output": described[0]} if len(described) == 1 else {"outputs": described}
