"""Which safetensors files are the weights, and whether they hold what the index says."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from catalog.base_models.layout import INDEX, WEIGHTS, Layout
from catalog.base_models.safetensors_header import Tensor, read_header
from contract.problems import gettext_noop
from recipes.sandbox.inside import Refused


def chosen(layout: Layout, index: dict[str, Any] | None) -> list[str]:
    """The files of the weights: model.safetensors, or all that the index names. Raises Refused when one lacks."""
    if WEIGHTS in layout.kept:
        return [WEIGHTS]
    if index is None:
        names = {"found": ", ".join(layout.weights[:5]), "index": INDEX}
        sentence = gettext_noop("The weights (%(found)s) need %(index)s beside them, or the name model.safetensors.")
        raise Refused(sentence, **names)
    shards = sorted(set(weight_map(index).values()))
    missing = [name for name in shards if name not in layout.kept]
    if missing:
        sentence = gettext_noop(
            "%(count)s of %(all)s parts of the weights are missing, the first is '%(name)s'. Add them."
        )
        raise Refused(sentence, count=len(missing), all=len(shards), name=missing[0][:120])
    return shards


def weight_map(index: dict[str, Any]) -> dict[str, str]:
    """{tensor: file} of an index. Raises Refused when it is none."""
    found = index.get("weight_map")
    whole = isinstance(found, dict) and found and all(isinstance(name, str) for name in found.values())
    if not whole:
        raise Refused(gettext_noop("%(index)s does not say which tensor lies in which file."), index=INDEX)
    return found  # type: ignore[return-value]


def check(directory: Path, names: list[str], index: dict[str, Any] | None) -> list[Tensor]:
    """All tensors of the files. Raises Refused for a broken header, or when they are not those that the index names."""
    held = {name: read_header(directory / name) for name in names}
    if index is not None and names != [WEIGHTS]:
        _refuse_other_than_index(held, weight_map(index))
    return [tensor for tensors in held.values() for tensor in tensors]


def tensors_of(directory: Path) -> list[tuple[str, Tensor]]:
    """(file, tensor) for every tensor of a registered model, in the order of its files."""
    names = sorted(path.name for path in directory.glob("*.safetensors"))
    return [(name, tensor) for name in names for tensor in read_header(directory / name)]


def summary(tensors: list[Tensor]) -> dict[str, Any]:
    """How many tensors and numbers, and numbers by type."""
    by_type: Counter[str] = Counter()
    for tensor in tensors:
        by_type[tensor.dtype] += tensor.count
    return {"count": len(tensors), "parameters": sum(by_type.values()), "types": dict(by_type.most_common())}


def index_of(text: bytes | None) -> dict[str, Any] | None:
    return None if text is None else parsed(INDEX, text)


def parsed(name: str, text: bytes) -> dict[str, Any]:
    """The JSON object of a file. Raises Refused."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        sentence = gettext_noop("'%(name)s' is no JSON (%(detail)s). Save the model again.")
        raise Refused(sentence, name=name, detail=str(error)[:120]) from error
    if not isinstance(found, dict):
        raise Refused(gettext_noop("'%(name)s' holds no JSON object. Save the model again."), name=name)
    return found


def _refuse_other_than_index(held: dict[str, list[Tensor]], named: dict[str, str]) -> None:
    where = {tensor.name: name for name, tensors in held.items() for tensor in tensors}
    twice = sum(len(tensors) for tensors in held.values()) - len(where)
    wrong = sorted(tensor for tensor in where.keys() | named.keys() if where.get(tensor) != named.get(tensor))
    if wrong or twice:
        params = {"index": INDEX, "count": len(wrong) or twice, "tensor": wrong[0][:120] if wrong else ""}
        sentence = gettext_noop(
            "%(count)s tensors do not lie where %(index)s says (%(tensor)s). The parts are not of one model."
        )
        raise Refused(sentence, **params)
