"""What prepared data says of the steps that hid something: in words, for pages and reports."""

from dataclasses import dataclass
from typing import Any

from recipes.steps import STEPS


@dataclass(frozen=True)
class Applied:
    """One step. Sentences are to be translated; `sentence` is filled with `params`."""

    step: str
    sentence: str
    params: dict[str, Any]
    protects: str
    does_not_protect: str
    report: dict[str, Any]
    """what the step counted"""


def applied(manifest: dict[str, Any]) -> list[Applied]:
    """The steps of a manifest that hide something, in their order; none of data that is older than this list."""
    return [_applied(entry) for entry in manifest.get("obfuscation", []) if entry["step"] in STEPS]


def _applied(entry: dict[str, Any]) -> Applied:
    kind = STEPS[entry["step"]]
    unknown = ("step", "report", *kind.private)  # of what is private it has the number only
    parameters = {name: value for name, value in entry.items() if name not in unknown}
    sentence, params = kind.from_json(parameters).words()
    return Applied(kind.name, sentence, params, kind.protects, kind.does_not_protect, entry["report"])
