"""Where weights start: drawn from the seed, or read from a job's files or a directory of the transformers library."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import nn

from contract.reasons import EndReason
from contract.run_dir import read_json
from training.failures import Failure
from training.methods import add_adapters, heads_of, merge_adapters
from training.model_files import AVERAGE, CONFIG, WEIGHTS, read_config
from training.models import build
from training.models.group_norm import without_batch_norm
from training.models.keras_net import from_definition
from training.models.transformers_net import from_config, from_directory

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
    new: tuple[str, ...]
    """names of weights that were drawn, not read"""


def start_model(spec: dict[str, Any], manifest: dict[str, Any], outputs: int, model_dir: Path) -> StartModel:
    """The model of `spec` for this data. `model_dir` holds the source's files where there is a source."""
    seed, model, task = spec["training"]["seed"], dict(spec["model"]), spec["task"]
    if model["source"] == "job":
        return _from_job(model_dir, task, manifest, outputs, seed)
    if model["source"] in ("registered", "transformers") and "config" not in model:
        return _from_directory(model_dir, task, manifest, outputs, seed)
    net = net_of(model, task, manifest, outputs, seed)
    return StartModel(net, model, f"new weights from seed {seed}", _names(net))


def net_of(model: dict[str, Any], task: str, manifest: dict[str, Any], outputs: int, seed: int) -> nn.Module:
    """The net of `model` (a preset, or a definition of Keras or transformers), with weights drawn from `seed`."""
    if model.get("norm") == "group":
        net = net_of({key: value for key, value in model.items() if key != "norm"}, task, manifest, outputs, seed)
        without_batch_norm(net)
        return net
    if model["source"] == "transformers":
        return from_config(model["config"], task, manifest, outputs, seed)
    if model["source"] == "keras":
        return from_definition(model, task, manifest, outputs, seed)
    return build(model, manifest["input"]["shape"], outputs, seed, manifest.get("text"))


def _from_directory(directory: Path, task: str, manifest: dict[str, Any], outputs: int, seed: int) -> StartModel:
    """A directory of a finished job's files, or of the transformers library."""
    config = read_json(directory / CONFIG)
    if config is None:
        raise Failure(EndReason.IMPOSSIBLE, f"the model's directory holds no {CONFIG} that can be read")
    if "model_type" not in config or "fleetune" in config:
        return _from_job(directory, task, manifest, outputs, seed)
    net, new = from_directory(directory, task, manifest, outputs, seed)
    note = f"weights of the model's files; new are {', '.join(new)}" if new else "weights of the model's files"
    return StartModel(net, {"source": "transformers"}, note, tuple(new))


def _from_job(directory: Path, task: str, manifest: dict[str, Any], outputs: int, seed: int) -> StartModel:
    config = read_config(directory)
    if config is None or not (directory / WEIGHTS).is_file():
        raise Failure(EndReason.CODE_ERROR, f"the source job left no {WEIGHTS} with {CONFIG} to start from")
    shape = manifest["input"]["shape"]
    if list(config["input"]["shape"]) != list(shape):
        sentence = (
            f"the source model takes {SIZES[manifest['kind']]} {_sides(config['input']['shape'])}, "
            f"this data has {_sides(shape)}: {CURES[manifest['kind']]}"
        )
        raise Failure(EndReason.BAD_DATA, sentence)
    _same_kind(config, task)
    net = net_of(config["model"], task, manifest, outputs, seed)
    weights = _merged(_read(directory), config, manifest, seed)
    preset = {key: value for key, value in config["model"].items() if key != "config"}
    if list(config["classes"]) == list(manifest["classes"]):
        _load(net, weights)
        return StartModel(net, preset, "weights of the source job", ())
    heads = heads_of(net)
    body = {
        name: tensor for name, tensor in weights.items() if not name.startswith(tuple(f"{head}." for head in heads))
    }
    _load(net, body)
    new = tuple(name for name, _ in net.named_parameters() if name not in body)
    note = f"weights of the source job; new are {', '.join(new)}, for the classes are others"
    return StartModel(net, preset, note, new)


def _read(directory: Path) -> dict[str, torch.Tensor]:
    """Of a checkpoint the running average, where it keeps one: that is what would be left."""
    weights = load_file(directory / WEIGHTS)
    return weights | load_file(directory / AVERAGE) if (directory / AVERAGE).is_file() else weights


def _merged(
    weights: dict[str, torch.Tensor], config: dict[str, Any], manifest: dict[str, Any], seed: int
) -> dict[str, torch.Tensor]:
    """Weights of a checkpoint in the middle of LoRA, with what is learnt so far added to the layers it is for."""
    if "adapters" not in config:
        return weights
    net = net_of(config["model"], config["task"], manifest | {"classes": config["classes"]}, config["outputs"], seed)
    add_adapters(net, config["adapters"])
    net.load_state_dict(weights)
    merge_adapters(net)
    return net.state_dict()


def _load(net: nn.Module, weights: dict[str, torch.Tensor]) -> None:
    """All but what is not there: a new head, or a tensor that is another one's twin."""
    names = dict(net.state_dict(keep_vars=True))
    prefix = "net." if next(iter(names)).startswith("net.") and not next(iter(weights)).startswith("net.") else ""
    net.load_state_dict({prefix + name: tensor for name, tensor in weights.items()}, strict=False)


def _same_kind(config: dict[str, Any], task: str) -> None:
    if config["task"] != task:
        sentence = f"the source model was made for {config['task']}, not for {task}: choose another source"
        raise Failure(EndReason.IMPOSSIBLE, sentence)


def _names(net: nn.Module) -> tuple[str, ...]:
    return tuple(name for name, _ in net.named_parameters())


def _sides(shape: list[int]) -> str:
    return "×".join(map(str, shape))
