"""The text of a filter bar: `state:failed device:gpu-2 some words`. Chips and text edit the same query."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class FilterText:
    terms: dict[str, list[str]] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    """names before a colon that this list cannot filter by"""

    def one(self, name: str) -> str:
        return self.terms.get(name, [""])[0]

    def many(self, name: str) -> list[str]:
        return self.terms.get(name, [])


def parse(text: str, names: tuple[str, ...]) -> FilterText:
    """Split `text` into terms of the known `names` and plain words. Quotes keep words together: `host:"two words"`."""
    terms: dict[str, list[str]] = {}
    words, unknown = [], []
    for part in _parts(text[:400]):
        name, colon, value = part.partition(":")
        if colon and value and name in names:
            terms.setdefault(name, []).append(value)
        elif colon and value and name.isalpha():
            unknown.append(name)
        else:
            words.append(part)
    return FilterText(terms, words, unknown)


def toggled(text: str, name: str, value: str) -> str:
    """`text` with `name:value` taken out when it is there, put in when it is not: what a chip links to."""
    term = f'{name}:"{value}"' if " " in value else f"{name}:{value}"
    parts = _parts(text)
    plain = f"{name}:{value}"
    if plain in parts:
        return " ".join(_quoted(part) for part in parts if part != plain)
    return " ".join([*(_quoted(part) for part in parts), term])


def _parts(text: str) -> list[str]:
    found, current, quoted = [], "", False
    for char in text:
        if char == '"':
            quoted = not quoted
        elif char.isspace() and not quoted:
            found.append(current)
            current = ""
        else:
            current += char
    return [part for part in [*found, current] if part]


def _quoted(part: str) -> str:
    if " " not in part:
        return part
    name, colon, value = part.partition(":")
    return f'{name}:"{value}"' if colon and name.isalpha() else f'"{part}"'
