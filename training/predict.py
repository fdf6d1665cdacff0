"""The errand `predict`: what a model answers to one input, which has gone through the recipe already.

The model is a finished job's, or the newest checkpoint of one that still runs. Where no device is free the server does
the same in its sandbox (`on_server`).
"""

import base64
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from contract.agent_calls import Go
from contract.reasons import EndReason
from training.failures import Ending, Failure, answer_of
from training.generate import generate
from training.inputs import from_prepared
from training.models.source import start_model
from training.rank import Rank
from training.tasks import Task, task_of

LOAD_S = 120.0
"""of no sign of life while a model is loaded and run for the first time"""
NICENESS = 10
"""of a prediction on the server: whatever trains there goes first"""


def predict(rank: Rank, go: Go) -> Ending:
    """Succeeds whenever it has an answer; `ok` in it says which.

    answer: ok, prediction, seconds {load, run}, runtime; or ok, reason, detail.
    """
    rank.sign.enter("evaluate", LOAD_S)
    wanted = rank.assignment.errand
    return answer_of(
        lambda: answered(
            Path(go.model_dir), rank.spec, wanted["manifest"], wanted["input"], rank.device, rank.still_here
        )
    )


def on_server(request: dict[str, Any], reporter: Any) -> dict[str, Any]:
    """Work for `sandbox.outside.run`. request: directory, spec, manifest, input. Returns what `predict` answers."""
    os.nice(NICENESS)
    torch.set_num_threads(1)
    directory, device = Path(request["directory"]), torch.device("cpu")
    return answer_of(
        lambda: answered(
            directory, request["spec"], request["manifest"], request["input"], device, lambda: reporter.at("answering")
        )
    ).answer


def answered(
    directory: Path,
    spec: dict[str, Any],
    manifest: dict[str, Any],
    given: dict[str, Any],
    device: torch.device,
    still_here: Callable[[], None],
) -> dict[str, Any]:
    """`given`: the input as `recipes.one_item` made it. Raises Failure when the model is not for data like this."""
    began = time.perf_counter()
    task = task_of(spec["task"], manifest, spec["training"])
    start = start_model(spec | {"model": {"source": "job"}}, manifest, task.outputs, directory)
    if start.new:
        raise Failure(EndReason.IMPOSSIBLE, "this model knows other classes than this data has")
    model = from_prepared(manifest, start.net).to(device).eval()
    loaded = time.perf_counter()
    with torch.inference_mode():
        prediction = _prediction(model, task, manifest, given, device, still_here)
    return {
        "prediction": prediction,
        "seconds": {"load": round(loaded - began, 4), "run": round(time.perf_counter() - loaded, 4)},
        "runtime": f"torch {torch.__version__.split('+')[0]} ({device.type})",
    }


def _prediction(
    model: nn.Module,
    task: Task,
    manifest: dict[str, Any],
    given: dict[str, Any],
    device: torch.device,
    still_here: Callable[[], None],
) -> dict[str, Any]:
    row = np.frombuffer(base64.b64decode(given["row"]), given["dtype"]).reshape(1, *given["shape"])
    inputs = torch.from_numpy(row.copy()).to(device)
    if "length" in given:
        return {"tokens": generate(model, inputs, given["length"], given["end"], still_here)}
    return task.preview(task.exported(model(inputs)), manifest["classes"])
