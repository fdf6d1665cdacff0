"""What a job leaves: weights, configuration, portable formats and a model card. The same job leaves the same bytes."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from safetensors.torch import save_file

from contract.events import EventType
from training.aoti_file import write_aoti
from training.assembly import Parts
from training.int8_file import write_int8, write_static_int8
from training.litert_file import write_litert
from training.methods import merge_adapters
from training.model_card import model_card
from training.model_files import CONFIG, WEIGHTS, metadata_of, weights_of, without_adapters
from training.onnx_file import NotMade, compared_with_onnxruntime, write_onnx
from training.pt2_file import write_pt2
from training.rank import Rank
from training.reference import FILE as REFERENCE
from training.reference import write_reference

STAGE = "evaluate"
EXPORT_S = 240.0
"""the ONNX exporter gives no sign of life and takes 4 to 20 s on an idle machine"""
COMPILER_S = 900.0
"""of a C++ compiler: half a minute on an idle machine, more than EXPORT_S on a busy one"""
ONNX = "model.onnx"
INT8 = "model.int8.onnx"
STATIC_INT8 = "model.static.int8.onnx"
PT2 = "model.pt2"
AOTI = "model.cpu.aoti.pt2"
"""its device kind in the name: it holds native code"""
SAVED_MODEL = "saved_model.zip"
LITERT = "model.tflite"
CARD = "card.md"


@dataclass(frozen=True)
class Result:
    """A finished training, to be written out."""

    rank: Rank
    parts: Parts
    metrics: dict[str, float]
    step: int


def export_result(result: Result) -> None:
    """Write every artifact that the job asks for into the run directory, each whole or not at all, and report it.

    A format that cannot be made is reported with its reason; the others are made all the same.
    """
    rank = result.rank
    rank.sign.enter(STAGE, EXPORT_S, "exporting")
    result.parts.model.cpu().eval()
    if rank.spec["method"]["kind"] == "lora":
        merge_adapters(result.parts.model.model)
    rank.paths.artifacts.mkdir(parents=True, exist_ok=True)
    files = [
        _artifact(result, name, kind, make)
        for name, kind, make in (
            (WEIGHTS, "safetensors", _write_weights),
            (CONFIG, "json", _write_config),
            (REFERENCE, "reference", _write_reference),
            (ONNX, "onnx", _write_onnx),
            (INT8, "onnx-int8", _write_int8),
            (STATIC_INT8, "onnx-int8-static", _write_static_int8),
            (PT2, "pt2", _write_pt2),
            (AOTI, "aoti", _write_aoti),
            (SAVED_MODEL, "tf-saved-model", _write_saved_model),
            (LITERT, "litert", _write_litert),
        )
        if kind in ("json", "reference") or kind in rank.spec["export"]["formats"]
    ]
    facts = [entry for entry in files if entry]
    _artifact(result, CARD, "markdown", lambda result, path: _write_card(result, path, facts))


def _artifact(result: Result, name: str, kind: str, make: Callable[[Result, Path], dict]) -> dict | None:
    """Make one file aside, move it into place, report it. Its facts, None when it could not be made."""
    rank = result.rank
    rank.still_here()
    rank.sign.enter(STAGE, EXPORT_S, "exporting")
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
    net = result.parts.model.model
    save_file(weights_of(net), path, metadata=metadata_of(net))
    return {}


def _write_config(result: Result, path: Path) -> dict:
    text = json.dumps(
        without_adapters(result.parts.config), indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False
    )
    path.write_text(text + "\n", encoding="utf-8")
    return {}


def _write_card(result: Result, path: Path, files: list[dict]) -> dict:
    path.write_text(model_card(result.rank, result.parts, result.metrics, result.step, files), encoding="utf-8")
    return {}


def _write_onnx(result: Result, path: Path) -> dict:
    split = result.rank.spec["evaluation"]["split"]
    write_onnx(result.parts.model, result.parts.data, path)
    parity = compared_with_onnxruntime(result.parts.model, result.parts.data, split, path)
    if parity is None:
        result.rank.reporter.log(f"{path.name} was not checked: onnxruntime is not installed here", "warning")
        return {}
    return {"parity": parity}


def _write_int8(result: Result, path: Path) -> dict:
    write_int8(_onnx_of(result, path), path)
    return {}


def _write_static_int8(result: Result, path: Path) -> dict:
    return write_static_int8(_onnx_of(result, path), result.parts.data, path)


def _onnx_of(result: Result, path: Path) -> Path:
    """The ONNX file of this job; made aside when the job asks for a small one alone."""
    onnx = result.rank.paths.artifacts / ONNX
    if not onnx.is_file():
        onnx = path.with_name(ONNX)
        write_onnx(result.parts.model, result.parts.data, onnx)
    return onnx


def _write_aoti(result: Result, path: Path) -> dict:
    result.rank.sign.enter(STAGE, COMPILER_S, "exporting")
    return write_aoti(result.parts.model, result.parts.data, result.rank.spec["evaluation"]["split"], path)


def _write_pt2(result: Result, path: Path) -> dict:
    write_pt2(result.parts.model, result.parts.data, path)
    return {}


def _write_saved_model(result: Result, path: Path) -> dict:
    """What was tried: docs/decisions/036."""
    raise NotMade("no converter to TensorFlow is part of Fleetune: give the ONNX file to one, see docs/decisions/036")


def _write_litert(result: Result, path: Path) -> dict:
    return write_litert(result.parts.model, result.parts.data, result.rank.spec["evaluation"]["split"], path)


def _write_reference(result: Result, path: Path) -> dict:
    write_reference(result.parts.model, result.parts.data, result.rank.spec["evaluation"]["split"], path)
    return {}


def _entry(path: Path) -> dict:
    data = path.read_bytes()
    return {"name": path.name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
