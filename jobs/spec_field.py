"""One field of a form, named by the path in the job spec that it sets."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from contract.spec import PARTS, RANGES
from contract.spec_model import MODEL_FIELDS as SOURCE_FIELDS
from jobs.spec_choices import Choice


@dataclass(frozen=True)
class SpecField:
    path: str
    label: Any
    help: Any
    kind: str
    """whole, number, gib (bytes in the spec), text, lines, widths, choice, choices or switch (true, false, auto)"""
    usual: Any = ""
    choices: tuple[Choice, ...] = ()
    more: bool = False
    """true = under "More settings" """

    @property
    def sources(self) -> str:
        """Of a field of the model: which sources take it, with a space between."""
        name = self.path.removeprefix("model.")
        return " ".join(source for source, fields in SOURCE_FIELDS.items() if name in fields)

    @property
    def default(self) -> Any:
        """What the spec takes when this is left out; None for what has no default."""
        part, _dot, name = self.path.rpartition(".")
        kind = PARTS.get(part.capitalize()) if part else None
        for item in dataclasses.fields(kind) if kind else ():
            if item.name == name:
                return item.default_factory() if callable(item.default_factory) else item.default
        return None

    @property
    def low(self) -> float | None:
        return RANGES.get(self.path, (None, None))[0]

    @property
    def high(self) -> float | None:
        return RANGES.get(self.path, (None, None))[1]
