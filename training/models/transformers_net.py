"""Any model of the `transformers` library, from a directory in its layout or from a configuration, as a net of ours.

`transformers` takes seconds to import and is imported only when a job needs it. Nothing is downloaded, no code that
comes with a model is run, and weights are read from safetensors only.
"""

import json
from pathlib import Path
from typing import Any

import torch
from torch import nn

from contract.reasons import EndReason
from training.failures import Failure
from training.models.text import earlier_of_the_same, tokens_and_documents

CONFIG = "config.json"
INDEX = "model.safetensors.index.json"
PICKLED = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".h5", ".msgpack")
CLASSES = {
    "image-classification": "AutoModelForImageClassification",
    "object-detection": "AutoModelForObjectDetection",
    "text-classification": "AutoModelForSequenceClassification",
    "causal-lm": "AutoModelForCausalLM",
}
WORDS = "text-classification", "causal-lm"


class TransformersNet(nn.Module):
    """`net` of the library: takes what prepared data holds, gives what our tasks expect."""

    net: Any
    _sides: torch.Tensor

    def __init__(self, net: nn.Module, task: str, shape: list[int], pad: int, outputs: int):
        super().__init__()
        self.net = net
        self._task, self._pad, self._outputs = task, pad, outputs
        self.register_buffer("_sides", torch.tensor(shape[:0:-1] * 2).float(), persistent=False)

    @property
    def heads(self) -> tuple[str, ...]:
        """All that is beside the library's own body of this model."""
        body = getattr(self.net, "base_model_prefix", "")
        return tuple(f"net.{name}" for name, _ in self.net.named_children() if name != body)

    def forward(self, prepared: torch.Tensor) -> Any:
        if self._task == "causal-lm":
            return self._next_tokens(prepared)
        if self._task == "text-classification":
            there = (prepared != self._pad).long()
            return self.net(input_ids=prepared.long(), attention_mask=there).logits
        said = self.net(pixel_values=prepared)
        if self._task == "image-classification":
            return said.logits
        centre, size = said.pred_boxes[..., :2], said.pred_boxes[..., 2:]
        corners = torch.cat([centre - size / 2, centre + size / 2], -1) * self._sides
        return corners, said.logits[..., : self._outputs]  # without the class "nothing" that some have

    def _next_tokens(self, prepared: torch.Tensor) -> torch.Tensor:
        tokens, documents, place = tokens_and_documents(prepared, self._pad)
        may_see = earlier_of_the_same(documents)
        hidden = torch.finfo(torch.float32).min
        mask = torch.where(may_see, 0.0, hidden)
        return self.net(input_ids=tokens.long(), attention_mask=mask, position_ids=place.long(), use_cache=False).logits


def from_config(config: dict[str, Any], task: str, manifest: dict[str, Any], outputs: int, seed: int) -> nn.Module:
    """A model with weights drawn from `seed`. Raises Failure (impossible) for a configuration that makes no model."""
    import transformers

    known = dict(config)
    try:
        settings = transformers.AutoConfig.for_model(known.pop("model_type"), **known)
        _fit(settings, manifest, outputs)
        torch.manual_seed(seed)
        net = _auto(task).from_config(settings)
    except (KeyError, ValueError, TypeError, ImportError) as error:
        raise Failure(EndReason.IMPOSSIBLE, f"transformers makes no model for {task} of this: {error}") from error
    return _net(net, task, manifest, outputs)


def from_directory(
    directory: Path, task: str, manifest: dict[str, Any], outputs: int, seed: int
) -> tuple[nn.Module, list[str]]:
    """The model in `directory` with a head for this data, and the names of its weights that are new.

    Raises Failure (impossible) for pickle files, missing shards, and models that do not do this task.
    """
    import transformers

    refuse_unsafe(directory)
    torch.manual_seed(seed)
    try:
        settings = transformers.AutoConfig.from_pretrained(directory, local_files_only=True, trust_remote_code=False)
        _fit(settings, manifest, outputs)
        net, info = _auto(task).from_pretrained(
            directory,
            config=settings,
            dtype=torch.float32,
            use_safetensors=True,
            local_files_only=True,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
        )
    except (KeyError, ValueError, OSError, ImportError) as error:
        raise Failure(EndReason.IMPOSSIBLE, f"transformers cannot load this model for {task}: {error}") from error
    mismatched = {entry[0] if isinstance(entry, tuple) else entry for entry in info["mismatched_keys"]}
    new = sorted(f"net.{name}" for name in {*info["missing_keys"], *mismatched})
    return _net(net, task, manifest, outputs), new


def refuse_unsafe(directory: Path) -> None:
    """Raise Failure (impossible) for files that could run code when they are read, and for weights that lack a part."""
    pickled = sorted(path.name for path in directory.iterdir() if path.suffix.lower() in PICKLED)
    if pickled:
        sentence = (
            f"{pickled[0]} can run code when it is read: convert the model to safetensors and leave that file out"
        )
        raise Failure(EndReason.IMPOSSIBLE, sentence)
    parts = {"model.safetensors"}
    if (directory / INDEX).is_file():
        parts = set(json.loads((directory / INDEX).read_text(encoding="utf-8"))["weight_map"].values())
    missing = sorted(part for part in parts if not (directory / part).is_file())
    if missing:
        sentence = (
            f"the model lacks {missing[0]} ({len(missing)} of {len(parts)} files of weights): add what is missing"
        )
        raise Failure(EndReason.IMPOSSIBLE, sentence)


def configuration(net: nn.Module) -> dict[str, Any] | None:
    """The library's own config.json of a net that was made here; None of any other."""
    if not isinstance(net, TransformersNet):
        return None
    settings: dict[str, Any] = json.loads(net.net.config.to_json_string(use_diff=False))
    settings.pop("_name_or_path", None)
    return settings


def _auto(task: str) -> Any:
    import transformers

    if task not in CLASSES:
        raise ValueError(f"its models do {', '.join(CLASSES)}")
    return getattr(transformers, CLASSES[task])


def _fit(settings: Any, manifest: dict[str, Any], outputs: int) -> None:
    """Give the configuration the data's classes. Raises ValueError where the model cannot take the data."""
    if manifest["kind"] == "text":
        vocabulary, needed = settings.get_text_config().vocab_size, manifest["text"]["vocabulary"]
        if vocabulary < needed:
            sentence = f"it knows {vocabulary} tokens, the data has {needed}: tokenise with this model's own tokenizer"
            raise ValueError(sentence)
        settings.pad_token_id = manifest["text"]["pad"]
    if manifest["classes"]:
        names = list(map(str, manifest["classes"]))
        settings.id2label = dict(enumerate(names))
        settings.label2id = {name: number for number, name in enumerate(names)}
    if manifest["kind"] == "image":
        _fit_picture(settings, manifest["input"]["shape"])


def _fit_picture(settings: Any, shape: list[int]) -> None:
    channels = getattr(settings, "num_channels", shape[0])
    if channels != shape[0]:
        cure = "an rgb step" if channels == 3 else "a grayscale step"
        raise ValueError(f"it takes pictures of {channels} channels, this data has {shape[0]}: give the recipe {cure}")
    size = getattr(settings, "image_size", None)
    sides = [size, size] if isinstance(size, int) else list(size or shape[1:])
    if sides != list(shape[1:]):
        wanted = "×".join(map(str, sides))
        raise ValueError(f"it takes pictures of {wanted}, this data has {shape[1]}×{shape[2]}: resize in the recipe")


def _net(net: nn.Module, task: str, manifest: dict[str, Any], outputs: int) -> nn.Module:
    shape = list(manifest["input"]["shape"])
    pad = manifest["text"]["pad"] if manifest["kind"] == "text" else 0
    return TransformersNet(net.train(), task, shape, pad, outputs)
