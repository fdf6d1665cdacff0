"""A `Sequential` of Keras 3 as a net of ours: Keras' own layers on torch, one after the other.

Each layer is called without state: its weights are parameters of our module, under the layer's own name, so that
everything that shares, saves and exports nets treats them as any others. Keras takes seconds to import and is imported
only when a job needs it; nothing is unpickled and no code of a definition is run (`contract/spec_keras.py`).
"""

import math
import os
import tempfile
from typing import Any

import torch
from torch import nn

from contract.reasons import EndReason
from contract.spec_keras import definition_of, keras_problems, layers_of, squashing
from training.failures import Failure

DATA = {"image": "pictures of", "text": "rows of tokens of length", "table": "rows of features of length"}


class KerasNet(nn.Module):
    """Takes what prepared data holds; gives logits, or a value, as our tasks expect: without the last softmax."""

    def __init__(self, layers: dict[str, nn.Module], arrange: nn.Module, answer: nn.Module):
        super().__init__()
        self.arrange, self.layers, self.answer = arrange, nn.ModuleDict(layers), answer

    @property
    def heads(self) -> tuple[str, ...]:
        """The last layer with weights."""
        return tuple(f"layers.{name}" for name, layer in self.layers.items() if any(True for _ in layer.parameters()))[
            -1:
        ]

    def blocks(self) -> list[str]:
        """Submodules that one after the other are the forward pass."""
        return ["arrange", *(f"layers.{name}" for name in self.layers), "answer"]

    def forward(self, prepared: torch.Tensor) -> torch.Tensor:
        passed = self.arrange(prepared)
        for layer in self.layers.values():
            passed = layer(passed)
        return self.answer(passed)


class KerasLayer(nn.Module):
    """One layer of Keras. What it learns are parameters here, what it keeps besides (of a batch norm) are buffers."""

    def __init__(self, layer: Any):
        super().__init__()
        self._layer = _Shared(layer)
        learnt, kept = layer.trainable_variables, layer.non_trainable_variables
        names = _short_names(layer, [*learnt, *kept])
        self._learnt, self._kept = names[: len(learnt)], names[len(learnt) :]
        for name, variable in zip(names, [*learnt, *kept], strict=True):
            value = variable.value.detach().cpu()
            if name in self._kept and layer.trainable:
                self.register_buffer(name, value)
            else:
                self.register_parameter(name, nn.Parameter(value, requires_grad=name in self._learnt))

    def forward(self, passed: torch.Tensor) -> torch.Tensor:
        layer = self._layer.shared
        mode = {"training": self.training} if layer._call_has_training_arg else {}
        learnt, kept = ([getattr(self, name) for name in names] for names in (self._learnt, self._kept))
        passed, changed = layer.stateless_call(learnt, kept, passed, **mode)
        if self.training:
            with torch.no_grad():
                for before, after in zip(kept, changed, strict=True):
                    before.copy_(after)
        return passed


class Arrange(nn.Module):
    """Pictures [n, C, H, W] as Keras has them, [n, H, W, C], in the shape that the first layer takes."""

    def __init__(self, shape: tuple[int, ...], channels_last: bool):
        super().__init__()
        self._shape, self._channels_last = shape, channels_last

    def forward(self, prepared: torch.Tensor) -> torch.Tensor:
        if self._channels_last:
            prepared = prepared.permute(0, 2, 3, 1)
        return prepared.reshape(prepared.shape[0], *self._shape)


class YesOrNo(nn.Module):
    """One logit that says yes, as logits of two classes: the loss is that of the one."""

    def forward(self, logit: torch.Tensor) -> torch.Tensor:
        return torch.cat([torch.zeros_like(logit), logit], -1)


def from_definition(model: dict[str, Any], task: str, manifest: dict[str, Any], outputs: int, seed: int) -> nn.Module:
    """The net of a spec's `model`, with weights drawn from `seed`. Raises Failure (impossible) for one that Keras does
    not build, or that takes or gives other shapes than the data has."""
    problems = keras_problems(model, task)
    definition = definition_of(model)
    if problems or definition is None:
        raise Failure(EndReason.IMPOSSIBLE, str(problems[0]))
    keras = _imported()
    layers = [_without_state(layer) for layer in layers_of(definition)]
    ends_with = squashing(layers)
    kept = _without_squashing(layers) if ends_with else layers
    shape = list(manifest["input"]["shape"])
    wanted = _input_of(layers) or _as_keras_has_it(shape)
    arrange = _arranged(shape, wanted, manifest["kind"])
    _fits_vocabulary(kept, manifest)
    try:
        keras.utils.set_random_seed(seed)
        net = keras.Sequential.from_config({"name": "net", "layers": kept})
        net.build((None, *wanted))
        built = {layer.name: _ours(layer) for layer in net.layers}
        given = tuple(net.output_shape[1:])
    except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        raise Failure(EndReason.IMPOSSIBLE, f"Keras builds no model of this: {str(error).splitlines()[0]}") from error
    return KerasNet(built, arrange, _answer(given, outputs, ends_with)).train()


def _imported() -> Any:
    """Keras on torch, whatever the settings of this machine's user say."""
    os.environ["KERAS_BACKEND"] = "torch"
    os.environ.setdefault("KERAS_HOME", os.path.join(tempfile.gettempdir(), "fleetune-keras"))
    try:
        import keras
    except ImportError as error:
        sentence = "Keras is not installed on this device: run its join command again"
        raise Failure(EndReason.VERSION_MISMATCH, sentence) from error
    keras.config.set_image_data_format("channels_last")
    keras.config.set_floatx("float32")
    return keras


def _ours(layer: Any) -> nn.Module:
    """Dropout by torch's own, whose random numbers a checkpoint keeps for every rank."""
    return nn.Dropout(layer.rate) if type(layer).__name__ == "Dropout" else KerasLayer(layer)


def _without_state(layer: dict[str, Any]) -> dict[str, Any]:
    """Only what describes it: nothing of how it was built or registered elsewhere."""
    return {"module": "keras.layers", "class_name": layer["class_name"], "config": dict(layer["config"])}


def _without_squashing(layers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same without what makes probabilities of logits at the end."""
    *before, last = layers
    if last["class_name"] in ("Softmax", "Activation"):
        return before
    return [*before, last | {"config": last["config"] | {"activation": "linear"}}]


def _input_of(layers: list[dict[str, Any]]) -> list[int] | None:
    """What the definition says that it takes, without the batch; None when it leaves that open."""
    config = layers[0]["config"]
    shape = config.get("batch_shape") or config.get("batch_input_shape")
    if not isinstance(shape, list) or not all(type(side) is int for side in shape[1:]):
        return None
    return shape[1:]


def _as_keras_has_it(shape: list[int]) -> list[int]:
    return [*shape[1:], shape[0]] if len(shape) == 3 else shape


def _arranged(shape: list[int], wanted: list[int], kind: str) -> nn.Module:
    """Raises Failure where the data cannot be brought into the shape that is wanted."""
    last = _as_keras_has_it(shape)
    flat, plain = [math.prod(shape)], [side for side in last if side != 1]
    if wanted == shape and wanted != last:
        return Arrange(tuple(wanted), channels_last=False)
    if wanted not in (last, flat) and [side for side in wanted if side != 1] != plain:
        takes, has = ("×".join(map(str, sides)) for sides in (wanted, last))
        sentence = (
            f"this Keras model takes {takes}, the data has {DATA[kind]} {has}: resize in the recipe, or give the model "
            "an Input of that shape"
        )
        raise Failure(EndReason.IMPOSSIBLE, sentence)
    return Arrange(tuple(wanted), channels_last=len(shape) == 3)


def _fits_vocabulary(layers: list[dict[str, Any]], manifest: dict[str, Any]) -> None:
    words = [layer["config"].get("input_dim") for layer in layers if layer["class_name"] == "Embedding"]
    if manifest["kind"] != "text" or not words:
        return
    needed = manifest["text"]["vocabulary"]
    if not isinstance(words[0], int) or words[0] < needed:
        sentence = f"its Embedding knows {words[0]} tokens, the data has {needed}: set input_dim to {needed}"
        raise Failure(EndReason.IMPOSSIBLE, sentence)


def _answer(given: tuple[int, ...], outputs: int, ends_with: str) -> nn.Module:
    if given == (outputs,):
        return nn.Identity()
    if given == (1,) and outputs == 2 and ends_with != "softmax":
        return YesOrNo()
    gives = "×".join(map(str, given))
    sentence = (
        f"this Keras model gives {gives} numbers, the data needs {outputs}: set units={outputs} in its last layer"
    )
    raise Failure(EndReason.IMPOSSIBLE, sentence)


def _short_names(layer: Any, variables: list[Any]) -> list[str]:
    """Names of variables inside of their layer: "kernel", or "lstm_cell_kernel_again" of the second cell of a layer."""
    names: list[str] = []
    for variable in variables:
        name = "_".join(part for part in str(variable.path).split("/")[1:] if part != layer.name)
        again = sum(other == name or other.startswith(f"{name}_again") for other in names)
        names.append(f"{name}_again{again if again > 1 else ''}" if again else name)
    return names


class _Shared:
    """A layer without state, which copies of a net share."""

    def __init__(self, shared: Any):
        self.shared = shared

    def __deepcopy__(self, memo: dict[int, Any]) -> "_Shared":
        return self
