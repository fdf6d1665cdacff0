"""How a net whose linear layers follow each other is cut across devices."""

from torch import nn


def in_pairs(net: nn.Module) -> dict[str, str]:
    """The first of two linear layers by columns, the second by rows: one exchange of activations for both.

    Only element-wise functions may lie between the two. A last layer without a partner is not cut.
    """
    names = _linear_layers(net)
    pairs = zip(names[::2], names[1::2], strict=False)
    return {name: way for first, second in pairs for name, way in ((first, "column"), (second, "row"))}


def _linear_layers(net: nn.Module) -> list[str]:
    """In their order; a layer that LoRA put matrices beside counts as the one that it was."""
    found: list[str] = []
    for name, module in net.named_modules():
        layer = getattr(module, "base_layer", module)
        if isinstance(layer, nn.Linear) and not (found and name.startswith(f"{found[-1]}.")):
            found.append(name)
    return found
