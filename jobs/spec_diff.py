"""What differs between two job specs, leaf by leaf: what *Clone* shows, with a way back for each line."""

import copy
from dataclasses import dataclass
from typing import Any

_ABSENT = object()
WHOLE = ("recipe", "tags", "requirements", "model", "devices")
"""parts that change as one: half of another model or device choice makes no sense"""


@dataclass(frozen=True)
class Change:
    path: str
    before: Any
    after: Any


def changes(before: dict[str, Any], after: dict[str, Any], prefix: str = "") -> list[Change]:
    """Every leaf that differs, in the order of `before`."""
    found = []
    for name in [*before, *(name for name in after if name not in before)]:
        path = f"{prefix}.{name}".strip(".")
        old, new = before.get(name, _ABSENT), after.get(name, _ABSENT)
        if isinstance(old, dict) and isinstance(new, dict) and path not in WHOLE:
            found += changes(old, new, path)
        elif old != new:
            found.append(Change(path, None if old is _ABSENT else old, None if new is _ABSENT else new))
    return found


def undo(path: str, before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """`after` with what stands at `path` put back as it was in `before`."""
    result = copy.deepcopy(after)
    place, source = result, before
    *parts, name = path.split(".")
    for part in parts:
        place, source = place.setdefault(part, {}), source.get(part, {})
    if name in source:
        place[name] = copy.deepcopy(source[name])
    else:
        place.pop(name, None)
    return result
