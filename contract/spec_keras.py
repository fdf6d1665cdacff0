"""A model given as Keras' own JSON: what of it is run here, and what its compile arguments say in the words of a job.

Only layers of Keras itself are taken, by name, before anything is built: no custom code, no lambda, nothing registered.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from contract.problems import Problem, gettext_noop
from contract.spec_keras_compile import compile_problems, compiled_metrics, compiled_training

LAYERS = frozenset({
    "InputLayer", "Dense", "EinsumDense", "Embedding", "Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax",
    "Flatten", "Reshape", "Permute", "RepeatVector", "Rescaling", "Dropout", "Conv1D", "Conv2D", "Conv3D",
    "SeparableConv1D", "SeparableConv2D", "DepthwiseConv1D", "DepthwiseConv2D", "Conv1DTranspose", "Conv2DTranspose",
    "Conv3DTranspose", "MaxPooling1D", "MaxPooling2D", "MaxPooling3D", "AveragePooling1D", "AveragePooling2D",
    "AveragePooling3D", "GlobalMaxPooling1D", "GlobalMaxPooling2D", "GlobalAveragePooling1D",
    "GlobalAveragePooling2D", "UpSampling1D", "UpSampling2D", "ZeroPadding1D", "ZeroPadding2D", "Cropping1D",
    "Cropping2D", "BatchNormalization", "LayerNormalization", "GroupNormalization", "UnitNormalization",
    "RMSNormalization", "LSTM", "GRU", "SimpleRNN", "Bidirectional",
})  # fmt: skip
INITIALIZER = re.compile(r"[A-Z][A-Za-z0-9]*")
TASKS = ("image-classification", "text-classification", "tabular-classification", "tabular-regression")
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
LARGEST_BYTES = 1 << 20
NOT_CARRIED = ("kernel_regularizer", "bias_regularizer", "activity_regularizer", "kernel_constraint", "bias_constraint")


def definition_of(model: Mapping[str, Any]) -> dict[str, Any] | None:
    """The definition in a spec's `model`, an object or the text that `to_json` gives; None when it is neither."""
    given = model.get("definition")
    if isinstance(given, str) and len(given) <= LARGEST_BYTES:
        try:
            given = json.loads(given)
        except (ValueError, RecursionError):
            return None
    return given if isinstance(given, dict) else None


def compiled(model: Mapping[str, Any]) -> dict[str, Any] | None:
    """Its compile arguments: given beside the definition, or inside of it; None when it was not compiled."""
    definition = definition_of(model)
    found = model.get("compile") or (definition or {}).get("compile_config")
    return found if isinstance(found, dict) else None


def layers_of(definition: Mapping[str, Any]) -> list[dict[str, Any]]:
    config = definition.get("config")
    layers = config.get("layers") if isinstance(config, dict) else None
    return [layer for layer in layers if isinstance(layer, dict)] if isinstance(layers, list) else []


def squashing(layers: list[dict[str, Any]]) -> str:
    """The function that the last layer ends with when it is one that makes probabilities: softmax, sigmoid or ""."""
    last: Mapping[str, Any] = layers[-1] if layers else {}
    config = last.get("config")
    activation = config.get("activation", "") if isinstance(config, dict) else ""
    if last.get("class_name") == "Softmax":
        return "softmax"
    if isinstance(activation, dict):
        activation = activation.get("config")
    return activation if isinstance(activation, str) and activation in ("softmax", "sigmoid") else ""


def with_compiled(body: dict[str, Any]) -> dict[str, Any]:
    """`body` of a job spec, with what the compile arguments of its Keras model say where it says nothing itself."""
    model, task = body.get("model"), body.get("task")
    if not isinstance(model, dict) or model.get("source") != "keras" or not isinstance(task, str):
        return body
    compiling = compiled(model)
    if compiling is None or keras_problems(model, task):
        return body
    said = {"training": compiled_training(compiling), "evaluation": {"metrics": compiled_metrics(compiling)}}
    parts = {name: body.get(name, {}) for name in said}
    return body | {name: said[name] | part for name, part in parts.items() if isinstance(part, dict)}


def keras_problems(model: Mapping[str, Any], task: str) -> list[Problem]:
    """What of a definition cannot be run here, each with the layer's name."""
    definition = definition_of(model)
    if definition is None:
        sentence = gettext_noop("Paste what model.to_json() of Keras 3 gives: a JSON object.")
        return [Problem("model.definition", sentence)]
    if task not in TASKS:
        sentence = gettext_noop("A Keras definition does one of: %(tasks)s. Choose another model for %(task)s.")
        return [Problem("model.source", sentence, {"tasks": ", ".join(TASKS), "task": task})]
    if definition.get("class_name") != "Sequential":
        sentence = gettext_noop("A Sequential is run here; this is a %(kind)s. Write its layers one after the other.")
        return [Problem("model.definition", sentence, {"kind": str(definition.get("class_name"))[:60]})]
    layers = layers_of(definition)
    if not any(layer.get("class_name") != "InputLayer" for layer in layers):
        return [Problem("model.definition", gettext_noop("This model has no layers."))]
    problems = [problem for layer in layers for problem in _layer_problems(layer)]
    problems = problems or _foreign(definition.get("config"))
    compiling = compiled(model)
    if compiling is not None and not problems:
        problems = compile_problems(compiling, task, squashing(layers))
    return problems[:5]


def _layer_problems(layer: dict[str, Any]) -> list[Problem]:
    config = layer["config"] if isinstance(layer.get("config"), dict) else {}
    kind, name = str(layer.get("class_name"))[:60], str(config.get("name"))[:60]
    if kind == "Lambda":
        sentence = gettext_noop("Layer %(name)s is a Lambda, which holds code. Use a layer of Keras in its place.")
        return [Problem("model.definition", sentence, {"name": name})]
    if kind not in LAYERS:
        sentence = gettext_noop("Layer %(name)s is a %(kind)s, which is not run here: no custom layers, no own code.")
        return [Problem("model.definition", sentence, {"name": name, "kind": kind})]
    if not NAME.fullmatch(name):
        sentence = gettext_noop("A layer is called '%(name)s'. Use letters, digits and _ for names of layers.")
        return [Problem("model.definition", sentence, {"name": name})]
    if kind != "Dropout" and (config.get("dropout") or config.get("recurrent_dropout")):
        sentence = gettext_noop("Layer %(name)s drops inputs by itself. Put a Dropout layer before it instead.")
        return [Problem("model.definition", sentence, {"name": name})]
    for setting in NOT_CARRIED:
        if config.get(setting):
            sentence = gettext_noop(
                "Layer %(name)s has a %(setting)s, which is not run here. Leave it out; weights are held small by "
                "training.weight_decay."
            )
            return [Problem("model.definition", sentence, {"name": name, "setting": setting})]
    return []


def _foreign(config: Any) -> list[Problem]:
    """Parts at any depth that are not Keras' own: they would be looked up in code."""
    for part in _objects(config):
        kind = str(part.get("class_name"))[:60]
        if part.get("registered_name") or not _is_keras(part.get("module"), kind):
            sentence = gettext_noop("%(kind)s is not a part of Keras itself: no custom code is run here.")
            return [Problem("model.definition", sentence, {"kind": kind})]
        if kind == "DTypePolicy" and (part.get("config") or {}).get("name") != "float32":
            sentence = gettext_noop("Build the model in float32; bf16 is chosen by the job (training.bf16).")
            return [Problem("model.definition", sentence)]
    return []


def _is_keras(module: Any, kind: str) -> bool:
    if module == "keras.layers":
        return kind in LAYERS
    return (
        kind == "DTypePolicy"
        if module == "keras"
        else module == "keras.initializers" and bool(INITIALIZER.fullmatch(kind))
    )


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """Everything in `value` that Keras would build something from."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if "class_name" in value:
                yield value
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
