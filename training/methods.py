"""What of a model learns: all of it, its head, or small added matrices (LoRA, DoRA) that are merged at the end."""

import re
import warnings
from collections.abc import Iterable
from typing import Any

from torch import nn

from contract.reasons import EndReason
from training.failures import Failure
from training.quantised import full_again, quantise_bases

ADAPTED = (nn.Linear, nn.Conv2d)
"""kinds of layers that matrices are added to"""
LAYER = re.compile(r"(?:^|\.)(\d+)\.")
SHOWN = 12


def heads_of(net: nn.Module) -> tuple[str, ...]:
    """Names of the submodules that are made for the task; everything else is the body."""
    return tuple(getattr(net, "heads", ("head",)))


def choose_what_learns(net: nn.Module, method: dict[str, Any], new: Iterable[str] = ()) -> None:
    """Freeze what `method` (of a job spec) leaves alone. `new`: names of weights that were drawn, not read.

    With LoRA a head of new weights learns too: drawn at random it would be worth nothing.
    Raises Failure (impossible) when a target of LoRA is no layer of this model.
    """
    if method["kind"] == "full":
        return
    net.requires_grad_(False)
    heads = [name for name, _ in net.named_parameters() if _within(name, heads_of(net))]
    if method["kind"] == "lora":
        add_adapters(net, method)
        added = set(new)
        heads = [name for name in heads if name in added]
    parameters = dict(net.named_parameters())
    for name in heads:
        parameters[name].requires_grad_(True)
    if not any(parameter.requires_grad for parameter in parameters.values()):
        sentence = "this model's head has no weights of its own: choose the method full or lora"
        raise Failure(EndReason.IMPOSSIBLE, sentence)


def add_adapters(net: nn.Module, method: dict[str, Any]) -> None:
    """Put small matrices beside the layers that `method` names (all linear and convolution layers of the body)."""
    from peft import LoraConfig, inject_adapter_in_model  # 2 s to import, and only this method needs it

    targets = _targets(net, method["target_modules"])
    settings = {"r": method["r"], "lora_alpha": method["alpha"], "lora_dropout": method["dropout"]}
    config = LoraConfig(**settings, target_modules=targets, use_dora=method.get("use_dora", False))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about models that are no transformers
        inject_adapter_in_model(config, net)
    if method.get("quantise_base") and not quantise_bases(net):
        sentence = "none of LoRA's targets is a linear layer, and only those are quantised: set quantise_base to false"
        raise Failure(EndReason.IMPOSSIBLE, sentence)


def merge_adapters(net: nn.Module) -> None:
    """Add what was learnt beside a layer to the layer, and take the added matrices away."""
    adapted = [(name, module) for name, module in net.named_modules() if hasattr(module, "base_layer")]
    for name, module in adapted:
        full_again(module)
        module.merge()
        parent, _, child = name.rpartition(".")
        setattr(net.get_submodule(parent), child, module.get_base_layer())


def rates_by_layer(net: nn.Module, decay: float) -> dict[str, float]:
    """Factor of the learning rate for each parameter: 1 for the head, `decay` times less for each layer below.

    As in ELECTRA (Clark et al., 2020, arXiv 2003.10555). Layers are told by the number in their names.
    """
    names = [name for name, _ in net.named_parameters()]
    numbers = {name: int(found[1]) for name in names if (found := LAYER.search(name))}
    places = {number: place for place, number in enumerate(sorted(set(numbers.values())), 1)}
    top, seen, depths = len(places) + 1, False, {}
    for name in names:
        seen = seen or name in numbers
        beyond = top if seen or _within(name, heads_of(net)) else 0
        depths[name] = places[numbers[name]] if name in numbers else beyond
    return {name: decay ** (top - depth) for name, depth in depths.items()}


def _targets(net: nn.Module, wished: list[str]) -> list[str]:
    """Full names of the layers that are adapted; a wish names one, or the end of several names."""
    layers = [name for name, module in net.named_modules() if type(module) in ADAPTED]
    if not wished:
        body = [name for name in layers if not _within(name, heads_of(net))]
        if not body:
            sentence = "LoRA finds no linear or convolution layer of torch in this model's body: choose full or head"
            raise Failure(EndReason.IMPOSSIBLE, sentence)
        return body
    found = {wish: [name for name in layers if name == wish or name.endswith(f".{wish}")] for wish in wished}
    for wish, names in found.items():
        if not names:
            ends = sorted({name.rsplit(".", 1)[-1] for name in layers} - {"0"})
            sentence = f"LoRA target '{wish}' is no layer of this model; there are: {', '.join(layers[:SHOWN])}"
            ending = f"; names may be given by their end: {', '.join(ends[:SHOWN])}" if len(layers) > SHOWN else ""
            raise Failure(EndReason.IMPOSSIBLE, sentence + ending, target=wish)
    return sorted({name for names in found.values() for name in names})


def _within(name: str, modules: Iterable[str]) -> bool:
    return any(name == module or name.startswith(f"{module}.") for module in modules)
