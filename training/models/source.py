"""Where weights start: drawn from the seed for a preset, read from a finished job's files otherwise."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from torch import nn

from contract.reasons import EndReason
from contract.run_dir import read_json
from training.failures import Failure
from training.models import build

WEIGHTS = "model.safetensors"
CONFIG = "config.json"
SIZES = {"image": "images of", "text": "as many tokens as", "table": "as many features as"}
CURES = {
    "image": "give the recipe a resize or grayscale step",
    "text": "give its tokenise step the same max_length",
    "table": "use a table with the same columns and categories",
}


@dataclass(frozen=True)
class StartModel:
    """A model before its first step. `preset` builds the same net again; `note` says where its weights are from."""

    net: nn.Module
    preset: dict[str, Any]
    note: str


def start_model(spec: dict[str, Any], manifest: dict[str, Any], outputs: int, model_dir: Path) -> StartModel:
    """The model of `spec` for this data. `model_dir` holds the source's files when it is a job's result."""
    seed, model, shape = spec["training"]["seed"], spec["model"], manifest["input"]["shape"]
    if model["source"] != "job":
        net = build(model, shape, outputs, seed, manifest.get("text"))
        return StartModel(net, dict(model), f"new weights from seed {seed}")
    return _from_job(model_dir, manifest, outputs, seed)


def _from_job(model_dir: Path, manifest: dict[str, Any], outputs: int, seed: int) -> StartModel:
    config = read_json(model_dir / CONFIG)
    if config is None or not (model_dir / WEIGHTS).is_file():
        raise Failure(EndReason.CODE_ERROR, f"the source job left no {WEIGHTS} with {CONFIG} to start from")
    shape = manifest["input"]["shape"]
    if list(config["input"]["shape"]) != list(shape):
        sentence = (
            f"the source model takes {SIZES[manifest['kind']]} {_sides(config['input']['shape'])}, "
            f"this data has {_sides(shape)}: {CURES[manifest['kind']]}"
        )
        raise Failure(EndReason.BAD_DATA, sentence)
    net = build(config["model"], shape, outputs, seed, manifest.get("text"))
    weights = load_file(model_dir / WEIGHTS)
    if list(config["classes"]) == list(manifest["classes"]):
        net.load_state_dict(weights)
        return StartModel(net, config["model"], "weights of the source job")
    body = {name: tensor for name, tensor in weights.items() if not name.startswith("head.")}
    net.load_state_dict(body, strict=False)
    return StartModel(net, config["model"], "weights of the source job, a new last layer for other classes")


def _sides(shape: list[int]) -> str:
    return "×".join(map(str, shape))
