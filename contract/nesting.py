"""How deep JSON that comes from elsewhere may be nested."""

from typing import Any

DEEPEST = 32


def is_too_deep(value: Any) -> bool:
    """Whether `value` has more than 32 levels of objects and lists. Asks level by level: a stack has its end."""
    level, depth = [value], 0
    while level := [one for one in level if isinstance(one, dict | list)]:
        depth += 1
        if depth > DEEPEST:
            return True
        level = [inner for one in level for inner in (one.values() if isinstance(one, dict) else one)]
    return False
