"""What a job leaves: weights, configuration, ONNX and a model card. The same job leaves the same bytes."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file

from contract.events import EventType
from training.assembly import Parts
from training.model_card import model_card
from training.model_config import ONNX_INPUT, ONNX_OUTPUT
from training.models.source import CONFIG, WEIGHTS
from training.rank import Rank

STAGE = "evaluate"
EXPORT_S = 240.0
"""the ONNX exporter gives no sign of life and takes 4 to 20 s on an idle machine"""
ONNX = "model.onnx"
CARD = "card.md"
CHECKED_ROWS = 1_000
PARITY = 1e-4
LARGEST_BATCH = 65_536


@dataclass(frozen=True)
class Result:
    """A finished training, to be written out."""

    rank: Rank
    parts: Parts
    metrics: dict[str, float]
    step: int


class NotMade(Exception):
    """A format could not be made; the text says why."""


def export_result(result: Result) -> None:
    """Write every artifact that the job asks for into the run directory, each whole or not at all, and report it.

    A format that cannot be made is reported with its reason; the others are made all the same.
    """
    rank = result.rank
    rank.sign.enter(STAGE, EXPORT_S, "exporting")
    result.parts.model.cpu().eval()
    rank.paths.artifacts.mkdir(parents=True, exist_ok=True)
    files = [
        _artifact(result, name, kind, make)
        for name, kind, make in (
            (WEIGHTS, "safetensors", _write_weights),
            (CONFIG, "json", _write_config),
            (ONNX, "onnx", _write_onnx),
        )
        if kind == "json" or kind in rank.spec["export"]["formats"]
    ]
    facts = [entry for entry in files if entry]
    _artifact(result, CARD, "markdown", lambda result, path: _write_card(result, path, facts))


def _artifact(result: Result, name: str, kind: str, make: Callable[[Result, Path], dict]) -> dict | None:
    """Make one file aside, move it into place, report it. Its facts, None when it could not be made."""
    rank = result.rank
    rank.still_here()
    aside = rank.paths.path / "exporting"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    try:
        more = make(result, aside / name)
        entry = _entry(aside / name)
        os.replace(aside / name, rank.paths.artifacts / name)
    except NotMade as error:
        rank.reporter.event(EventType.ARTIFACT, result.step, name=name, format=kind, error=str(error))
        rank.reporter.log(f"{name} was not made: {error}", "warning")
        return None
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    rank.reporter.event(EventType.ARTIFACT, result.step, format=kind, **entry, **more)
    return entry | more


def _write_weights(result: Result, path: Path) -> dict:
    tensors = {name: tensor.detach().contiguous() for name, tensor in result.parts.model.model.state_dict().items()}
    save_file(tensors, path)
    return {}


def _write_config(result: Result, path: Path) -> dict:
    text = json.dumps(result.parts.config, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")
    return {}


def _write_card(result: Result, path: Path, files: list[dict]) -> dict:
    path.write_text(model_card(result.rank, result.parts, result.metrics, result.step, files), encoding="utf-8")
    return {}


def _write_onnx(result: Result, path: Path) -> dict:
    """ONNX with a free batch size, its input prepared pixels as they lie on disk; run and compared before it counts."""
    model, data = result.parts.model, result.parts.data
    sample = torch.zeros(2, *data.shape, dtype=getattr(torch, data.manifest["input"]["dtype"]))
    batch = torch.export.Dim("n", min=1, max=LARGEST_BATCH)
    try:
        torch.onnx.export(
            model,
            (sample,),
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
    return _compared_with_onnxruntime(result, path)


def _compared_with_onnxruntime(result: Result, path: Path) -> dict:
    """Run the file on rows of the evaluated split. Raises NotMade when it does not say what the model says."""
    try:
        import onnxruntime  # starts threads, and only this needs it
    except ImportError:
        result.rank.reporter.log(f"{path.name} was not checked: onnxruntime is not installed here", "warning")
        return {}
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    data, split = result.parts.data, result.rank.spec["evaluation"]["split"]
    rows = torch.arange(min(CHECKED_ROWS, len(data.splits[split])))
    inputs, _ = data.task.collate(data.splits[split], rows)
    with torch.inference_mode():
        ours = result.parts.model(inputs)
    theirs = torch.from_numpy(session.run([ONNX_OUTPUT], {ONNX_INPUT: inputs.numpy()})[0])
    difference = float((ours - theirs).abs().max())
    if not difference <= PARITY * max(1.0, float(ours.abs().max())):
        raise NotMade(f"onnxruntime gives other outputs than the model, by up to {difference:.2g}")
    agreement = float((data.task.predict(ours) == data.task.predict(theirs)).double().mean())
    return {"parity": {"rows": len(rows), "max_difference": difference, "agreement": agreement}}


def _entry(path: Path) -> dict:
    data = path.read_bytes()
    return {"name": path.name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
