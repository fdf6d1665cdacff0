"""What is varied: settings by their path in the spec, each a list of choices or a range."""

import math
from dataclasses import dataclass
from itertools import product
from typing import Any

from contract.problems import Problem, gettext_noop, unknown

MOST_SETTINGS, MOST_CHOICES = 16, 100
FIELDS = ("choices", "low", "high", "log", "step")


@dataclass(frozen=True)
class Setting:
    """One setting. `choices`, or a range from `low` to `high`, whole numbers when both are whole."""

    path: str
    choices: tuple[Any, ...] = ()
    low: float = 0
    high: float = 0
    log: bool = False
    step: float | None = None

    @property
    def whole(self) -> bool:
        return isinstance(self.low, int) and isinstance(self.high, int)

    def values(self) -> list[Any]:
        """Every value, in order; a range without `step` has none to count."""
        if self.choices:
            return list(self.choices)
        if self.step is None:
            return []
        count = math.floor((self.high - self.low) / self.step + 1e-9) + 1
        return [self.low + number * self.step for number in range(count)]

    def edges(self) -> list[Any]:
        """Values with which a spec has to be valid."""
        return list(self.choices) or [self.low, self.high]

    def to_json(self) -> dict[str, Any]:
        if self.choices:
            return {"choices": list(self.choices)}
        return {"low": self.low, "high": self.high, "log": self.log, "step": self.step}


def parse(body: Any, known: dict[str, Any], path: str = "space") -> tuple[list[Setting], list[Problem]]:
    """The settings in `body`, and what is wrong with it. `known` is a whole spec, in which every path has to be."""
    if not isinstance(body, dict) or not 1 <= len(body) <= MOST_SETTINGS:
        sentence = gettext_noop('Name 1 to %(most)s settings, like {"training.seed": {"choices": [1, 2]}}.')
        return [], [Problem(path, sentence, {"most": MOST_SETTINGS})]
    settings, problems = [], []
    for name, value in body.items():
        where = f"{path}.{name}"
        if not _is_in(known, name):
            problems.append(unknown(where, name, _paths(known)))
        elif sentence := _problem(value):
            problems.append(Problem(where, sentence, {"most": MOST_CHOICES}))
        else:
            settings.append(setting_of(name, value))
    return settings, problems


def grid(settings: list[Setting]) -> list[dict[str, Any]]:
    """Every combination, the last setting changing fastest."""
    return [
        dict(zip([one.path for one in settings], values, strict=True))
        for values in product(*(one.values() for one in settings))
    ]


def grid_size(settings: list[Setting]) -> int:
    """How many combinations there are; 0 when a range has no step."""
    return math.prod(len(one.values()) for one in settings)


def applied(spec: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
    """A copy of `spec` with these values in place."""
    changed = dict(spec)
    for path, value in params.items():
        name, _, rest = path.partition(".")
        changed[name] = applied(dict(changed.get(name) or {}), {rest: value}) if rest else value
    return changed


def setting_of(path: str, value: dict[str, Any]) -> Setting:
    if "choices" in value:
        return Setting(path, choices=tuple(value["choices"]))
    return Setting(path, low=value["low"], high=value["high"], log=value.get("log", False), step=value.get("step"))


def _problem(value: Any) -> str:
    if not isinstance(value, dict) or set(value) - set(FIELDS) or ("choices" in value) == ("low" in value):
        return gettext_noop('Expected {"choices": [...]} or {"low": a, "high": b}, with "log" or "step" if wanted.')
    if "choices" in value:
        ok = isinstance(value["choices"], list) and 1 <= len(value["choices"]) <= MOST_CHOICES
        return "" if ok else gettext_noop("Expected a list of 1 to %(most)s choices.")
    low, high, step = value["low"], value.get("high"), value.get("step")
    if not (_is_number(low) and _is_number(high) and low < high):
        return gettext_noop("Expected two numbers, 'low' below 'high'.")
    if type(value.get("log", False)) is not bool or (value.get("log") and low <= 0):
        return gettext_noop("'log' is true or false, and needs a 'low' above 0.")
    if step is not None and (not _is_number(step) or step <= 0 or value.get("log")):
        return gettext_noop("'step' is a number above 0, without 'log'.")
    return ""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_in(spec: Any, path: str) -> bool:
    for part in path.split("."):
        if not isinstance(spec, dict) or part not in spec:
            return False
        spec = spec[part]
    return True


def _paths(spec: dict[str, Any], before: str = "") -> list[str]:
    found = []
    for name, value in spec.items():
        found += _paths(value, f"{before}{name}.") if isinstance(value, dict) else [f"{before}{name}"]
    return found
